package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"sluice/core/keeper"
)

func newKeep() *cobra.Command {
	config, apart := keeper.Config{}, false
	cmd := &cobra.Command{
		Use:   "keep --state_dir=DIR",
		Short: "Stand by and serve the containers while the agent is away",
		Long: `Stand by and serve the containers while the agent is away.

The keeper holds the pipes of all containers and sleeps until the agent dies, serves its
streams as the agent would, and hands them back when the agent starts again. Where there is no state directory yet, as
before the first start of an agent, it waits for one. With --drain it takes over as soon
as it can, serves until the last stream has ended, and exits with status 0; there the
directory must be an agent's.

With --detach it is started in the background, in a session and a control group of its own
so that it outlives whoever has started it, unless a keeper lives already; its log is
keeper.log in the state directory. An agent with keeper=start starts one so, with --drain.

It exits with status 0 on SIGTERM, SIGINT and SIGQUIT; the streams that it has then wait, with
what they hold, for the next owner.`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, unix.SIGTERM, unix.SIGQUIT)
			defer stop()
			quitting.Store(true)
			if apart {
				return detach(cmd, config)
			}
			log := cmd.ErrOrStderr()
			if config.Detached {
				file, err := openKeeperLog(filepath.Join(config.StateDir, keeperLogName))
				if err != nil {
					return err
				}
				log = file
			}
			config.Log = slog.New(slog.NewTextHandler(log, nil))
			if err := awaitStateDir(ctx, config); err != nil || ctx.Err() != nil {
				return err
			}
			return keeper.Run(ctx, config)
		},
	}
	stateDirFlag(cmd, &config.StateDir)
	cmd.Flags().BoolVar(&config.Drain, "drain", false, "exit when the last stream has ended")
	cmd.Flags().BoolVar(&apart, "detach", false, "start it in the background, unless one lives")
	cmd.Flags().BoolVar(&config.Detached, "detached", false, "be what --detach has started")
	_ = cmd.Flags().MarkHidden("detached")
	return cmd
}

// stateDirLook is how often is looked whether an agent has made its directory.
const stateDirLook = time.Second

// awaitStateDir waits for the state directory: made here, one that is mistyped would be kept
// for ever, and drained at once.
func awaitStateDir(ctx context.Context, config keeper.Config) error {
	for told := false; ; told = true {
		_, err := os.Stat(config.StateDir)
		switch {
		case !errors.Is(err, fs.ErrNotExist):
			return nil // said by who uses it
		case config.Drain:
			return fmt.Errorf("there is no state_dir %q, so that nothing is drained; name the agent's with --state_dir: %w", config.StateDir, err)
		case !told:
			config.Log.Warn("there is no state_dir; an agent is waited for that makes it", "state_dir", config.StateDir)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(stateDirLook):
		}
	}
}
