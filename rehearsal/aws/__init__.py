"""The embedded AWS: one account in virtual time, made of moto and of our models of what moto lacks. Knows nothing of
Pulumi, nor of what a scenario is played for."""
