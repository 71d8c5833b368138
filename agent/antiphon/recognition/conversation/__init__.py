"""How Whisper hears a conversation: taught what is asked, and with second thoughts."""
