"""Legal bases of a use of persons' data (GDPR, article 6), by their names in the Data Privacy Vocabulary."""

from __future__ import annotations

CONSENT = "Consent"
BASES = {
    CONSENT: "she consents",
    "Contract": "a contract with her needs it",
    "LegalObligation": "a law demands it",
    "VitalInterest": "it protects somebody's life",
    "PublicInterest": "a task in the public interest needs it",
    "OfficialAuthorityOfController": "an office with public authority needs it",
    "LegitimateInterest": "somebody has a legitimate interest in it",
}
EXPLICIT = (CONSENT, "LegalObligation", "VitalInterest", "PublicInterest", "OfficialAuthorityOfController")
"""What the most sensitive data may rest on: her consent, which is explicit here, or a law (after article 9)."""
