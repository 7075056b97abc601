"""What is kept: tables, migrations, the views that Asterisk reads. Imports no other room."""
