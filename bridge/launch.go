package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the project's own messages are carried by this package
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"sluice/core/engine"
	"sluice/core/settings"
	sluicepb "sluice/proto"
)

// decodeLaunch reads a serialised sluice.Launch with the messages of Mesos in it.
func decodeLaunch(data []byte) (engine.Launch, error) {
	var message sluicepb.Launch
	if err := proto.Unmarshal(data, &message); err != nil {
		return engine.Launch{}, fmt.Errorf("decode the launch: %w", err)
	}
	launch := engine.Launch{Sandbox: message.GetDirectory(), User: message.GetUser(), Debug: message.GetDebug()}
	if !filepath.IsAbs(launch.Sandbox) {
		return engine.Launch{}, fmt.Errorf("the sandbox is %q, expected an absolute path", launch.Sandbox)
	}
	return launch, errors.Join(
		decodeID(&launch, message.GetContainerId()),
		decodeCommand(&launch, message.GetCommandInfo()),
		decodeExecutor(&launch, message.GetExecutorInfo()),
		decodeTask(&launch, message.GetTaskInfo()),
	)
}

func decodeID(l *engine.Launch, data []byte) error {
	var id mesos.ContainerID
	if err := id.Unmarshal(data); err != nil {
		return fmt.Errorf("decode the container id: %w", err)
	}
	parts := []string{id.GetValue()}
	for parent := id.GetParent(); parent != nil; parent = parent.GetParent() {
		parts = append([]string{parent.GetValue()}, parts...)
	}
	l.ContainerID = text(strings.Join(parts, "."))
	return nil
}

func decodeCommand(l *engine.Launch, data []byte) error {
	var command mesos.CommandInfo
	if err := command.Unmarshal(data); err != nil {
		return fmt.Errorf("decode the command of container %q: %w", l.ContainerID, err)
	}
	for _, variable := range command.GetEnvironment().GetVariables() {
		l.Environment = append(l.Environment, settings.Variable{Name: variable.GetName(), Value: variable.GetValue()})
	}
	return nil
}

func decodeExecutor(l *engine.Launch, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	var executor mesos.ExecutorInfo
	if err := executor.Unmarshal(data); err != nil {
		return fmt.Errorf("decode the executor of container %q: %w", l.ContainerID, err)
	}
	l.ExecutorID = text(executor.ExecutorID.GetValue())
	l.FrameworkID = text(executor.GetFrameworkID().GetValue())
	return nil
}

func decodeTask(l *engine.Launch, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	var task mesos.TaskInfo
	if err := task.Unmarshal(data); err != nil {
		return fmt.Errorf("decode the task of container %q: %w", l.ContainerID, err)
	}
	l.TaskID = text(task.TaskID.GetValue())
	return nil
}

// text is an id in a form that the record can hold. Frameworks choose the ids of their tasks and
// executors, and Mesos lets any bytes pass except control characters and slashes; here ids are
// for people only.
func text(untrustedID string) string { return strings.ToValidUTF8(untrustedID, "\uFFFD") }
