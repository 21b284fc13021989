"""The web page: server-rendered templates, generated poster art, and small ES modules. No build step."""
