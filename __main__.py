"""The stack program: configuration in, the component, the exports that others rely on out."""

import pulumi
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs, SettingsError, physical_name, read_config
from pulumi.runtime.config import CONFIG, get_config_env

# pulumi.Config can only look up keys it is told of; a misspelt one has to be seen, too.
try:
    settings = read_config(get_config_env() | CONFIG.get())
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None  # shown as it is, without a traceback
# The component is called as its children are.
auto_export = LustreBatchAutoExport(
    physical_name(pulumi.get_stack()), LustreBatchAutoExportArgs.from_settings(settings)
)

pulumi.export("stateMachineArn", auto_export.state_machine_arn)
pulumi.export("cleanUpStateMachineArn", auto_export.clean_up_state_machine_arn)
pulumi.export("bucketName", auto_export.bucket_name)
pulumi.export("repositoryUrl", auto_export.repository_url)
pulumi.export("jobQueueArn", auto_export.job_queue_arn)
pulumi.export("computeEnvironmentArn", auto_export.compute_environment_arn)
pulumi.export("jobQueueArns", auto_export.job_queue_arns)
pulumi.export("computeEnvironmentArns", auto_export.compute_environment_arns)
pulumi.export("lanesTableName", auto_export.lanes_table_name)
pulumi.export("parametersSecretArn", auto_export.parameters_secret_arn)
pulumi.export("checkMetricsFunctionName", auto_export.check_metrics_function_name)
pulumi.export("notificationTopicArn", auto_export.notification_topic_arn)
