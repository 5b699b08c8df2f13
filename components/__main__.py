"""What `runtime: python` starts for PulumiPlugin.yaml beside it."""

from lustre_batch.plugin import main

main()
