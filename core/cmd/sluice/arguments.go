package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// one takes the one argument that a command needs, which has that name in its help.
func one(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0 || args[0] == "":
			return usagef("%s is missing", name)
		case len(args) > 1:
			return usagef("expected one %s, and not %d: %s", name, len(args), printable(strings.Join(args, " ")))
		}
		return nil
	}
}

// none is for commands that take no argument.
func none(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("expected no argument, and not %s", printable(strings.Join(args, " ")))
	}
	return nil
}

// flagProblem says what is wrong with a flag, in the words of its own.
func flagProblem(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &value):
		what := value.Unwrap().Error()
		switch value.GetFlag().Value.Type() {
		case "bool":
			what = "expected true or false"
		case "int":
			if _, own := value.GetFlag().Value.(*lineCount); !own {
				what = "expected a whole number"
			}
		}
		return usagef("--%s=%s: %s", value.GetFlag().Name, printable(value.GetValue()), what)
	case errors.As(err, &unknown):
		name := "--" + unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			name = "-" + unknown.GetSpecifiedName()
		}
		return usagef("%q has no flag %s", cmd.CommandPath(), printable(name))
	case errors.As(err, &missing):
		return usagef("--%s has no value", missing.GetFlag().Name)
	}
	return usageError{err}
}

// newHelp is cobra's help, which fails for what it does not know.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("there is no command %q; expected one of those that \"sluice help\" lists", printable(strings.Join(args, " ")))
			}
			cmd.InitDefaultHelpFlag()
			cmd.InitDefaultVersionFlag()
			return cmd.Help()
		},
	}
}
