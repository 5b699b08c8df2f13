"""The topic to which every failure, every kept file system and every reclaim is published.

The workflow writes the messages; this module decides only where they go.
"""

import pulumi
import pulumi_aws as aws

from .key_users import KEY_USERS
from .owner import Owner

UNHEARD = (
    "notificationEmail is empty: notifications of failures and of file systems that stay go to the topic only, and "
    "nobody is subscribed to it. Set notificationEmail, or subscribe to the topic yourself (notificationTopicArn)."
)

WITHOUT_KEY = (
    "kmsKeyArn: scratch file systems take no key of yours (FSx encrypts them with its own), and the instances' root "
    "volumes have the account's default key. The key's policy has to admit "
    + ", ".join(f"{service} for {use.purpose}" for service, use in KEY_USERS.items())
    + ", and FSx's service-linked roles (docs/limits.md)."
)


def create_topic(owner: Owner) -> aws.sns.Topic:
    """Create the topic. Its name is the component's with a unique suffix, and serves as the component's identity."""
    settings = owner.settings
    topic = aws.sns.Topic(
        owner.name,
        display_name=f"Lustre Batch {settings.env_name}",
        # aws/sns cannot be used by the services that publish here (SNS guide, key management).
        kms_master_key_id=settings.kms_key_arn or None,
        tags=owner.tags(),
        opts=owner.child(),
    )
    if settings.kms_key_arn:
        pulumi.info(WITHOUT_KEY, owner.component)
    if settings.notification_email:
        aws.sns.TopicSubscription(
            owner.named("email"),
            topic=topic.arn,
            protocol="email",
            endpoint=settings.notification_email,
            opts=owner.child(),
        )
    else:
        pulumi.warn(UNHEARD, owner.component)
    return topic
