"""What keeps a stack from being destroyed while it is in use: an invocation of a Lambda function that is deleted before
everything else, and with it invoked.

Pulumi's own delete hooks need the program at hand (``destroy --run-program``), and YAML programs have none. What cannot
be prevented:

- the removal of single resources (``destroy --target``), of the state alone (``state delete``, ``stack rm --force``),
  and of anything behind Pulumi's back;
- a run that is started after the function has looked: destroy a stack when nobody uses it;
- the destruction of a stack whose ``up`` never finished: the invocation is created last.

Where the function is gone or cannot look, the destruction fails, too. ``pulumi state delete`` of the invocation alone
lifts the guard, for whoever means to destroy the stack regardless.
"""

import pulumi
import pulumi_aws as aws

from .functions import create_function
from .owner import Owner
from .workflow import Workflow


def guard_destruction(owner: Owner, workflow: Workflow) -> None:
    """Create the function, and the invocation that depends on every child that there is: it has to be the last."""
    function = create_function(
        owner,
        "guard-destroy",
        "guard_destroy",
        description="Refuses the destruction of a stack while a run is alive or a file system of it exists",
        policy="guard_destroy",
        values={"RunMachineArn": workflow.run.arn, "CleanUpMachineArn": workflow.clean_up.arn},
    )
    aws.lambda_.Invocation(
        owner.named("guard-destroy"),
        function_name=function.name,
        lifecycle_scope="CRUD",  # invoked when it is created, changed and deleted (aws_lambda_invocation)
        input=pulumi.Output.json_dumps(
            {"stateMachineArns": [workflow.run.arn, workflow.clean_up.arn], "stack": workflow.run.name}
        ),
        opts=owner.child(depends_on=list(owner.children)),
    )
