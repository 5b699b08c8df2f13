"""Which changes replace a resource: one line for each property, with its source, the file of terraform-provider-aws
(below internal/service) whose schema says ForceNew or RequiresReplace."""

from __future__ import annotations

import collections

_LINES = """
aws:ec2/vpc:Vpc
  cidrBlock                         ec2/vpc_.go
  instanceTenancy                   ec2/vpc_.go, resourceVPCCustomizeDiff
aws:ec2/subnet:Subnet
  vpcId                             ec2/vpc_subnet.go
  cidrBlock                         ec2/vpc_subnet.go
  availabilityZone                  ec2/vpc_subnet.go
  availabilityZoneId                ec2/vpc_subnet.go
aws:ec2/eip:Eip
  domain                            ec2/ec2_eip.go
aws:ec2/natGateway:NatGateway
  subnetId                          ec2/vpc_nat_gateway.go
  allocationId                      ec2/vpc_nat_gateway.go
  connectivityType                  ec2/vpc_nat_gateway.go
aws:ec2/routeTable:RouteTable
  vpcId                             ec2/vpc_route_table.go
aws:ec2/route:Route
  routeTableId                      ec2/vpc_route.go
  destinationCidrBlock              ec2/vpc_route.go
aws:ec2/routeTableAssociation:RouteTableAssociation
  subnetId                          ec2/vpc_route_table_association.go
  routeTableId                      ec2/vpc_route_table_association.go, its id changes
aws:ec2/vpcEndpoint:VpcEndpoint
  vpcId                             ec2/vpc_endpoint.go
  serviceName                       ec2/vpc_endpoint.go
  vpcEndpointType                   ec2/vpc_endpoint.go
aws:ec2/securityGroup:SecurityGroup
  name                              ec2/vpc_security_group.go
  description                       ec2/vpc_security_group.go
  vpcId                             ec2/vpc_security_group.go
aws:ec2/defaultSecurityGroup:DefaultSecurityGroup
  vpcId                             ec2/vpc_default_security_group.go
aws:ec2/flowLog:FlowLog
  vpcId                             ec2/vpc_flow_log.go
  trafficType                       ec2/vpc_flow_log.go
  logDestination                    ec2/vpc_flow_log.go
  logDestinationType                ec2/vpc_flow_log.go
  iamRoleArn                        ec2/vpc_flow_log.go
  maxAggregationInterval            ec2/vpc_flow_log.go
aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule
  securityGroupId                   ec2/vpc_security_group_ingress_rule.go
aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule
  securityGroupId                   ec2/vpc_security_group_ingress_rule.go
aws:s3/bucket:Bucket
  bucket                            s3/bucket.go
aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock
  bucket                            s3/bucket_public_access_block.go
aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration
  bucket                            s3/bucket_server_side_encryption_configuration.go
aws:s3/bucketVersioning:BucketVersioning
  bucket                            s3/bucket_versioning.go
aws:s3/bucketPolicy:BucketPolicy
  bucket                            s3/bucket_policy.go
aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration
  bucket                            s3/bucket_lifecycle_configuration.go
aws:s3/bucketOwnershipControls:BucketOwnershipControls
  bucket                            s3/bucket_ownership_controls.go
aws:s3/bucketNotification:BucketNotification
  bucket                            s3/bucket_notification.go
aws:ecr/repository:Repository
  name                              ecr/repository.go
  encryptionConfigurations          ecr/repository.go
aws:ecr/lifecyclePolicy:LifecyclePolicy
  repository                        ecr/lifecycle_policy.go
aws:secretsmanager/secret:Secret
  name                              secretsmanager/secret.go
aws:secretsmanager/secretVersion:SecretVersion
  secretId                          secretsmanager/secret_version.go
  secretString                      secretsmanager/secret_version.go
aws:iam/role:Role
  name                              iam/role.go
  path                              iam/role.go
aws:iam/rolePolicy:RolePolicy
  name                              iam/role_policy.go
  role                              iam/role_policy.go
aws:iam/rolePolicyAttachment:RolePolicyAttachment
  role                              iam/role_policy_attachment.go
  policyArn                         iam/role_policy_attachment.go
aws:iam/instanceProfile:InstanceProfile
  name                              iam/instance_profile.go
  path                              iam/instance_profile.go
aws:batch/computeEnvironment:ComputeEnvironment
  name                              batch/compute_environment.go
  type                              batch/compute_environment.go
  computeResources.spotIamFleetRole batch/compute_environment.go
  computeResources.ec2Configurations batch/compute_environment.go
  computeResources.placementGroup   batch/compute_environment.go
  computeResources.launchTemplate   batch/compute_environment.go: resourceComputeEnvironmentCustomizeDiff
aws:batch/jobQueue:JobQueue
  name                              batch/job_queue.go
aws:lambda/function:Function
  name                              lambda/function.go
aws:cloudwatch/logGroup:LogGroup
  name                              logs/group.go
aws:cloudwatch/eventRule:EventRule
  name                              events/rule.go
  eventBusName                      events/rule.go
aws:cloudwatch/eventTarget:EventTarget
  rule                              events/target.go
  targetId                          events/target.go
  eventBusName                      events/target.go
aws:cloudwatch/metricAlarm:MetricAlarm
  name                              cloudwatch/metric_alarm.go
aws:cloudwatch/dashboard:Dashboard
  dashboardName                     cloudwatch/dashboard.go
aws:sfn/stateMachine:StateMachine
  name                              sfn/state_machine.go
  type                              sfn/state_machine.go
aws:scheduler/schedule:Schedule
  name                              scheduler/schedule.go
  groupName                         scheduler/schedule.go
aws:dynamodb/table:Table
  name                              dynamodb/table.go
  hashKey                           dynamodb/table.go
  rangeKey                          dynamodb/table.go
  localSecondaryIndexes             dynamodb/table.go
aws:sqs/queue:Queue
  name                              sqs/queue.go
  fifoQueue                         sqs/queue.go
aws:sqs/queuePolicy:QueuePolicy
  queueUrl                          sqs/queue_policy.go
aws:lambda/invocation:Invocation
  functionName                      lambda/invocation.go
  qualifier                         lambda/invocation.go
  triggers                          lambda/invocation.go
aws:sns/topic:Topic
  name                              sns/topic.go
aws:sns/topicSubscription:TopicSubscription
  topic                             sns/topic_subscription.go
  protocol                          sns/topic_subscription.go
  endpoint                          sns/topic_subscription.go
"""


def _parsed(text: str) -> dict[str, frozenset[str]]:
    found: collections.defaultdict[str, set[str]] = collections.defaultdict(set)
    token = ""
    for line in text.strip().splitlines():
        if line.startswith(" "):
            found[token].add(line.split()[0])
        else:
            token = line
    return {token: frozenset(properties) for token, properties in found.items()}


REPLACES = _parsed(_LINES)
