"""The recovery suite: every statistic of ``analyse`` on surveys of respondents whose truth is known.

``surveys`` draws the answers, ``population`` knows the true values, ``case`` says what a case is and ``cases`` has them
all; ``run`` holds tables against truth over many surveys, and ``page`` writes down how they did.
"""
