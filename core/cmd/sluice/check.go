package main

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sluice/core/check"
	"sluice/core/settings"
)

func newCheck() *cobra.Command {
	var request check.Request
	var variables []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check MODULES.json",
		Short: "Tell what the agent would say of a modules file, before it is restarted",
		Long: `Tell what the agent would say of a modules file, before it is restarted.

MODULES.json is what --modules of the agent takes: file:///PATH, a path, or the JSON
itself. Told are errors of the JSON with line and column, fields that the agent would
ignore, the library, whether it has the module and is for the agent's Mesos, every
parameter and option, and, with --task_env, what a task's variables make of it. Then
follow the effective policy and the most disk that it takes, and warnings of what is
legal and unwise.

The library is looked into, not loaded, and nothing is changed. Run it on the agent's
machine, where users, paths and the library are those of the agent.

Warnings leave the exit status 0, an error makes it 1.

` + exitHelp,
		Example: `  sluice check /etc/mesos/modules.json --container_logger=org_apache_mesos_LogrotateContainerLogger
  sluice check /etc/mesos/modules.json --task_env CONTAINER_LOGGER_MAX_STDOUT_SIZE=1GB --user www-data
  sluice check /etc/mesos/modules.json --containers 200 --work_dir /var/lib/mesos`,
		Args: one("MODULES.json"),
		RunE: func(cmd *cobra.Command, args []string) error {
			request.Modules = args[0]
			for _, variable := range variables {
				name, value, found := strings.Cut(variable, "=")
				if !found || name == "" {
					return usagef("--task_env=%s: expected NAME=VALUE", variable)
				}
				request.TaskEnv = append(request.TaskEnv, settings.Variable{Name: name, Value: value})
			}
			if request.Containers < 0 {
				return usagef("--containers=%d: expected a number of containers", request.Containers)
			}
			return printCheck(cmd, check.Run(request), asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&request.ContainerLogger, "container_logger", "", "the module that the agent is started with")
	flags.StringArrayVar(&variables, "task_env", nil, "a variable of the task, NAME=VALUE; may be repeated")
	flags.StringVar(&request.User, "user", "", "the task's user (default: the agent's own)")
	flags.IntVar(&request.Containers, "containers", 0, "how many containers run on the node at a time")
	flags.StringVar(&request.Mesos, "mesos", "", "the agent's version of Mesos (default: that of the libmesos on this machine)")
	flags.StringVar(&request.WorkDir, "work_dir", "", "the agent's work_dir: warn if its file system is too small")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// printCheck writes the report to stdout; an error in it is the command's failure.
func printCheck(cmd *cobra.Command, report *check.Report, asJSON bool) error {
	var err error
	if asJSON {
		err = printJSON(cmd, report)
	} else {
		var text bytes.Buffer
		if err = report.Print(&text); err == nil {
			_, err = io.WriteString(cmd.OutOrStdout(), printableLines(text.String()))
		}
	}
	if err == nil && report.Errors() > 0 {
		err = errors.New(report.Verdict())
	}
	return err
}
