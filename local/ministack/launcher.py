"""Starts MiniStack with four repairs that the fleet's own behaviour depends on.

What runs on AWS comes first: where the emulator answers differently, it is mended here rather than worked round in the
product. Each repair names what AWS does. All of them are tied to one version and refuse to start with another, since
they replace functions that are not an interface.

1. A function's error keeps its name. AWS gives Step Functions the name of the thrown class, which Retry and Catch match;
   the emulator says Runtime.HandlerError for all of them.
2. States inside Parallel and Map leave StateEntered and StateExited events in the history.
3. A stopped execution enters no further state, also inside Parallel, and stays ABORTED.
4. A state machine's TimeoutSeconds ends an execution as TIMED_OUT.
"""

import contextvars
import copy
import functools
import importlib.metadata
import json
import threading

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

EXPECTED_VERSION = "1.5.33"

# The error that the worker of this thread reported last: class name and stack.
_reported = threading.local()


class RepairFailed(RuntimeError):
    """The emulator is not what the repairs were written for."""


def check_version():
    version = importlib.metadata.version("ministack")
    if version != EXPECTED_VERSION:
        raise RepairFailed(f"the repairs are for MiniStack {EXPECTED_VERSION}, this is {version}")


def replace_once(text, old, new):
    if text.count(old) != 1:
        raise RepairFailed(f"expected once in the emulator's Node program: {old}")
    return text.replace(old, new)


def keep_error_names():
    """The Node worker reports the class of an error; the invocation hands it on as errorType, with its trace."""
    script = lambda_runtime._NODEJS_WORKER_SCRIPT
    script = replace_once(
        script,
        'error: String(err.message || err), trace: err.stack || ""',
        'error: String(err.message || err), errorType: err.name, trace: err.stack || ""',
    )
    script = replace_once(
        script,
        "error: e.message, trace: e.stack\n",
        "error: e.message, errorType: e.name, trace: e.stack\n",
    )
    lambda_runtime._NODEJS_WORKER_SCRIPT = script

    invoke_worker = lambda_runtime.Worker.invoke
    execute_warm = lambda_svc._execute_function_warm

    @functools.wraps(invoke_worker)
    def invoke(self, *args, **kwargs):
        result = invoke_worker(self, *args, **kwargs)
        _reported.error = (result.get("errorType"), result.get("trace", ""))
        return result

    @functools.wraps(execute_warm)
    def execute(*args, **kwargs):
        _reported.error = (None, "")
        result = execute_warm(*args, **kwargs)
        name, trace = _reported.error
        body = result.get("body")
        if name and result.get("error") and isinstance(body, dict):
            body["errorType"] = name
            body["trace"] = trace.split("\n")
        return result

    lambda_runtime.Worker.invoke = invoke
    lambda_svc._execute_function_warm = execute


def is_over(execution):
    return execution["status"] != "RUNNING"


def end_in_time(execution, state_machine):
    """A timer that ends the execution when its machine's TimeoutSeconds are over, or None."""
    seconds = json.loads(state_machine["definition"]).get("TimeoutSeconds")
    if seconds is None:
        return None

    def time_out():
        if is_over(execution):
            return
        execution["status"] = "TIMED_OUT"
        execution["stopDate"] = stepfunctions.now_iso()
        details = {"error": "States.Timeout", "cause": f"The execution ran longer than {seconds} seconds"}
        execution.update(details)
        stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": details})
        stepfunctions._emit_execution_status_event(execution)

    # The timer's thread must see the same account and region as the execution's.
    timer = threading.Timer(seconds, contextvars.copy_context().run, args=(time_out,))
    timer.daemon = True
    return timer


def limit_executions():
    run_execution = stepfunctions._run_execution

    @functools.wraps(run_execution)
    def run(execution_arn):
        execution = stepfunctions._executions.get(execution_arn)
        machine = execution and stepfunctions._state_machines.get(execution["stateMachineArn"])
        timer = end_in_time(execution, machine) if machine else None
        if timer:
            timer.start()
        try:
            run_execution(execution_arn)
        finally:
            if timer:
                timer.cancel()

    stepfunctions._run_execution = run


def keep_final_status():
    """Whatever still happens after an execution is over changes neither its status nor its history."""
    fail_execution = stepfunctions._fail_execution
    add_event = stepfunctions._add_event

    @functools.wraps(fail_execution)
    def fail(execution, error, cause):
        if not is_over(execution):
            fail_execution(execution, error, cause)

    @functools.wraps(add_event)
    def add(execution, event_type, details=None):
        if is_over(execution) and not event_type.startswith("Execution"):
            return None
        return add_event(execution, event_type, details)

    stepfunctions._fail_execution = fail
    stepfunctions._add_event = add


def enter_state(execution, kind, name, value):
    details = {"stateEnteredEventDetails": {"name": name, "input": json.dumps(value)}}
    stepfunctions._add_event(execution, f"{kind}StateEntered", details)


def exit_state(execution, kind, name, value):
    details = {"stateExitedEventDetails": {"name": name, "output": json.dumps(value)}}
    stepfunctions._add_event(execution, f"{kind}StateExited", details)


def run_state(definition, kind, value, execution, context):
    """Runs one state of a branch. Returns its output and the name of the next state."""
    if kind == "Succeed":
        effective = stepfunctions._apply_input_path(definition, value, context)
        return stepfunctions._apply_output_path(definition, effective, context), None
    if kind == "Fail":
        raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(definition, value, context))
    runner = getattr(stepfunctions, f"_execute_{kind.lower()}")
    if kind in ("Task", "Parallel", "Map"):
        return runner(definition, value, execution, context)
    return runner(definition, value, context)


def run_branch(states, start_at, value, execution, context):
    """A branch of Parallel or an item of Map, as the emulator runs it, but visible in the history and stoppable."""
    name, value = start_at, copy.deepcopy(value)
    while name:
        if is_over(execution):
            raise stepfunctions._ExecutionError("States.Runtime", "the execution is over")
        definition = states.get(name)
        if not definition:
            raise stepfunctions._ExecutionError("States.Runtime", f"State '{name}' not found")
        kind = definition.get("Type")
        context["State"] = {"Name": name, "EnteredTime": stepfunctions.now_iso(), "RetryCount": 0}
        enter_state(execution, kind, name, value)
        value, following = run_state(definition, kind, value, execution, context)
        exit_state(execution, kind, name, value)
        name = following
    return value


def main():
    check_version()
    keep_error_names()
    keep_final_status()
    limit_executions()
    stepfunctions._run_sub_machine = run_branch
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
