"""Pages for people: server-rendered, readable without scripts, on a phone and with a keyboard."""
