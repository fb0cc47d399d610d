"""How texts are read everywhere: email addresses, phone numbers, names, domains, tax numbers, countries."""
