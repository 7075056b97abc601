"""SIP phones made of SIPp and a small audio socket, and the story that `tamas demo` tells with two."""
