"""Usufruct: a node that puts data and work to use without giving them away, and proves and pays for every use.

For data users, in Python:

    import usufruct

    node = usufruct.connect("http://127.0.0.1:8000", token)
    answer = node.query("SELECT year, AVG(hourly_pay) FROM wagepan GROUP BY year", purpose="AcademicResearch")
    answer.to_pandas()
"""

from usufruct.client import Answer, Connection, Refused, connect

__version__ = "0.1.0"
__all__ = ["Answer", "Connection", "Refused", "__version__", "connect"]
