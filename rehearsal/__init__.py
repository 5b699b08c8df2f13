"""The rehearsal: an embedded AWS in virtual time that runs the real program, definition, Lambda and job. Owns nothing
else: it must never be imported by the component package."""
