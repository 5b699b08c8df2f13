// The component on a bucket that the program creates itself. Inputs are the parameters, by the same names.
import * as aws from "@pulumi/aws";
import { LustreBatchAutoExport } from "@pulumi/lustre-batch";

const results = new aws.s3.Bucket("results");

const simulation = new LustreBatchAutoExport("simulation", {
    bucketName: results.bucket,
    lustreStorageCapacity: 4800,
    computeEnvironmentInstanceTypes: ["c7i", "m7i"],
    jobDefinitionContainerImage: "public.ecr.aws/docker/library/python:3.12",
    jobDefinitionCommand: ["python3", "-c", "open('/scratch/done', 'w').close()"],
    jobDefinitionEnvironment: { STEPS: "1000" },
    tags: { team: "imaging" },
});

export const stateMachineArn = simulation.stateMachineArn;
export const bucketName = simulation.bucketName;
