"""Steps of Metaflow on the file system of a session: `host_volumes` mounts it at the path of the instance."""

import os
import pathlib

from metaflow import FlowSpec, batch, step

QUEUE = os.environ.get("SESSION_QUEUE", "")


class OnLustre(FlowSpec):
    @step
    def start(self):
        self.parts = ["a", "b", "c"]
        self.next(self.work, foreach="parts")

    @batch(queue=QUEUE, host_volumes=["/fsx/scratch"], cpu=4, memory=8192)
    @step
    def work(self):
        folder = f"/fsx/scratch/{self.input}"
        os.makedirs(folder, exist_ok=True)
        pathlib.Path(f"{folder}/result.txt").write_text(self.input)
        self.path = f"{folder}/result.txt"
        self.next(self.join)

    @batch(queue=QUEUE, host_volumes=["/fsx/scratch"])
    @step
    def join(self, inputs):
        self.results = [pathlib.Path(each.path).read_text() for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        print(self.results)


if __name__ == "__main__":
    OnLustre()
