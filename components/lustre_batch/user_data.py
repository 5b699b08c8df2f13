"""The instances' user data: the boothook in user_data.sh, in the form that Batch takes."""

from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from .templates import read_data

# EC2 guide, user data: 16 KB before it is encoded.
USER_DATA_LIMIT_BYTES = 16 * 1024


def user_data() -> str:
    """The boothook as MIME multipart; Batch refuses user data in any other form (Batch guide, launch templates).

    A ``text/cloud-boothook`` runs early in every boot, before the ECS agent starts.
    """
    message = MIMEMultipart(boundary="==LUSTRE-BATCH==")
    part = MIMEText(read_data("user_data.sh"), "cloud-boothook", "us-ascii")
    message.attach(part)
    text = message.as_string()
    if len(text) > USER_DATA_LIMIT_BYTES:
        raise ValueError(f"user_data.sh: {len(text)} bytes are more than the {USER_DATA_LIMIT_BYTES} that EC2 takes")
    return text
