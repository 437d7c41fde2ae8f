"""Contribution to trainings, measured with numpy; `core.income` says what each of these numbers is."""
