"""Pure numbers: arrays in, estimates out. Knows no store, no prompt and no questionnaire."""
