"""Playtime: sessions, and every second of them counted once (contract 4.2; spec 2.3.2, 3.4.2, 4.1.2)."""
