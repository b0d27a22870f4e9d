//go:build man

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"sluice/core/version"
)

// The generator of the man pages is in no command that is installed: it is built with
// the tag "man", by those who make packages:
//
//	go run -tags man ./core/cmd/sluice man DIR
//
// The pages' date is that of $SOURCE_DATE_EPOCH where it is set.
func init() { unlisted = append(unlisted, newMan) }

// manSection is that of commands for administrators.
const manSection = "8"

func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the man pages into a directory that is there",
		Hidden: true,
		Args:   one("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			if err := writeManPage(root, args[0]); err != nil {
				return err
			}
			for _, sub := range root.Commands() {
				if !sub.IsAvailableCommand() || sub.Name() == "completion" || sub.Name() == "help" {
					continue
				}
				if err := writeManPage(sub, args[0]); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// writeManPage writes the page of one command.
func writeManPage(cmd *cobra.Command, dir string) error {
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	f, err := os.Create(filepath.Join(dir, name+"."+manSection))
	if err != nil {
		return fmt.Errorf("write the man page of %q: %w", cmd.CommandPath(), err)
	}
	cmd.DisableAutoGenTag = true
	err = doc.GenMan(cmd, &doc.GenManHeader{
		Title: strings.ToUpper(name), Section: manSection,
		Source: "sluice " + version.Version, Manual: "Container logs of Apache Mesos",
	}, f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write the man page of %q: %w", cmd.CommandPath(), err)
	}
	return nil
}
