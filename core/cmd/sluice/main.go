// A keeper that stands by sleeps: the runtime would look now and then whether its
// control group has got other processors.
//go:debug updatemaxprocs=0

// Command sluice is the command line of the container logger.
//
// Each subcommand is a file of its own; what they share is small: exit.go says what the
// exit status means, target.go and records.go find what an argument names, terminal.go
// knows what may be shown there.
package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	root := newRoot()
	if args, ok := standIn(os.Args); ok {
		root.SetArgs(args)
	}
	quitQuietly()
	os.Exit(run(context.Background(), root))
}

// newRoot makes the command with all its subcommands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "sluice",
		Short:         "Container logs of Apache Mesos, rotated inside the agent",
		Long:          "Container logs of Apache Mesos, rotated inside the agent.\n\n" + exitHelp,
		Version:       versionText(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetGlobalNormalizationFunc(underscores)
	root.SetFlagErrorFunc(flagProblem)
	root.SetHelpCommand(newHelp(root))
	root.AddCommand(newCheck(), newKeep(), newLogs(), newPipe(), newRotate(), newStatus(), newVerify(), newVersion())
	for _, command := range unlisted {
		root.AddCommand(command())
	}
	return root
}

// unlisted are commands of builds for those who make packages; see man.go.
var unlisted []func() *cobra.Command
