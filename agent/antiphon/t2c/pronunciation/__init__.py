"""How words are said: what is looked up before the pronouncer is asked."""
