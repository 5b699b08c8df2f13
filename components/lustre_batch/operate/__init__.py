"""What `lustre-batch` does with a stack that is deployed: start runs, follow them, look after what they left.

The account is asked through boto3 alone, and everything that is known of a stack comes from the ARN of its state
machine. Nothing here deletes anything: it starts the clean-up, whose rules hold for people, too.
"""
