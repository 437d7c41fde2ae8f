"""Laws are tried on whatever machine there is: how long one example takes says nothing about them."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
