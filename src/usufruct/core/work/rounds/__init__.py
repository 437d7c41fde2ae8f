"""Rounds: jobs given out together by a published rule, sealed before their lots are known."""
