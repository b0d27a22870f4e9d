package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sluice/core/version"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and the Mesos that it was built for",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), versionText())
			return closedOutput(err)
		},
	}
}

// noAgent is the Mesos of a library that was built without one.
const noAgent = "none"

// versionText is such as "0.1.0 (2c9a3cc), built for Clusterd 1.11.0".
func versionText() string {
	text := version.Version
	if version.Release != "" && !strings.HasPrefix(strings.TrimPrefix(text, "v"), version.Release) {
		text = fmt.Sprintf("%s (%s)", version.Release, version.Version)
	}
	switch version.Mesos {
	case "":
	case noAgent:
		text += ", built for the project's own tests and no Mesos"
	default:
		text += ", built for " + cmp.Or(version.Tree, "Mesos") + " " + version.Mesos
	}
	return text
}
