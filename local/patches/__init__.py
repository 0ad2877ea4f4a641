"""Patches of ministack 1.5.33: each function names the fault that it repairs and its symptom. `local/README.md` lists them."""
