package main

import (
	"log/slog"
	"os"
	"os/signal"
	"sluice/core/keeper"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func newKeep() *cobra.Command {
	config := keeper.Config{}
	cmd := &cobra.Command{
		Use:   "keep --state_dir=DIR",
		Short: "Stand by and serve the containers while the agent is away",
		Long: `Stand by and serve the containers while the agent is away.

The keeper sleeps until the agent dies, serves its streams as the agent would, and
hands them back when the agent starts again. With --drain it takes over as soon as it
can, serves until the last stream has ended, and exits with status 0.

It exits with status 0 on SIGTERM and SIGINT; the streams that it has then wait, with
what they hold, for the next owner.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, unix.SIGTERM)
			defer stop()
			config.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			return keeper.Run(ctx, config)
		},
	}
	stateDirFlag(cmd, &config.StateDir)
	cmd.Flags().BoolVar(&config.Drain, "drain", false, "exit when the last stream has ended")
	return cmd
}
