package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sluice/core/logrotate"
	"sluice/core/pipelog"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/series"
	"sluice/core/settings"
)

// pipeFlags are those that are parameters of the container logger, under another name
// where that is given.
var pipeFlags = []struct{ name, parameter, meaning string }{
	{"max_size", "max_stdout_size", "limit of the log file, such as 10MB (the default); at least one page"},
	{"logrotate_options", "logrotate_stdout_options", "rotation policy in logrotate's language, one directive a line"},
	{"max_rate", "max_stdout_rate", "bytes per second, by holding the writer back, such as 1MB"},
	{"evict_on_full", "", "whether a full disk costs the oldest rotated files first (default true)"},
	{"full_wait", "", "how long the writer is held back when writing fails (default 2secs)"},
	{"on_full", "", "what follows: drop (the default) or block"},
	{"max_delay", "", "longest pause between a write and the file (default 100ms)"},
	{"allow_scripts", "", "whether the options may name scripts and external compressors (default false)"},
	{"script_timeout", "", "when a script is killed (default 1mins)"},
}

func newPipe() *cobra.Command {
	var path, user string
	file := &logFile{}
	cmd := &cobra.Command{
		Use:   "pipe --log_filename=FILE",
		Short: "Write what comes on stdin into a rotated log",
		Long: `Write what comes on stdin into a rotated log, by the code that serves containers.

The flags are those of mesos-logrotate-logger, and a few more. Linked under that name
into --launcher_dir of an agent it stands in for that program; options that it refuses,
such as scripts, are then said on stderr and left out, each by itself, as the container
runs already.
Rotated files keep logrotate's names and --logrotate_options its language; lines are not
cut at the end of a file, and without "rotate N" one rotated file is kept.

No state directory is needed. A pipe is read by splice(2): killed at any instruction, no
byte is lost but those that the writer cannot write any more. Anything else (a file, a
terminal, a socket) is copied through a pipe first.

FILE must be a regular file with one name, or not be there: a device, a directory, a FIFO,
a link or a file with several names is refused, and left as it is. Its owner, group and mode
stay as they are over rotations, where whoever starts the command may set them; a new one
is of whoever starts it, or as --user, --group and --mode say.

At the end of stdin everything is in the files, and compressed as the options say. On
SIGTERM, SIGINT and SIGHUP what is in the pipe is written first, then the signal ends
the program; a second one ends it at once. It leaves the session of its parent where it
can, so that Ctrl-C reaches the program that writes and not its log.

Where output was dropped, as by a disk that stays full, the exit status is 1.

` + exitHelp,
		Example: `  sluice pipe --log_filename=/var/log/app.log --max_size=50MB < /run/app.fifo
  app 2>&1 | sluice pipe --log_filename=app.log --logrotate_options=$'rotate 9\ncompress'
  ln -s /usr/bin/sluice /opt/launcher/mesos-logrotate-logger`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			config, err := pipeConfig(cmd.Flags(), path, user, log)
			if err != nil {
				return err
			}
			file.path, config.Trusted = config.Path, !cmd.Flags().Lookup(forgiving).Changed
			return pipeStdin(cmd.Context(), config, user, file)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&path, "log_filename", "", "path of the log file; its directory must be there")
	flags.StringVar(&user, "user", "", "the user to become, who owns the files")
	flags.StringVar(&file.group, "group", "", "the group of a log file that is not there yet")
	flags.StringVar(&file.mode, "mode", "", "the permission bits of a log file that is not there yet, such as 0640")
	for _, flag := range pipeFlags {
		flags.String(flag.name, "", flag.meaning)
	}
	flags.Bool(forgiving, false, "")
	_ = flags.MarkHidden(forgiving)
	flags.String("logrotate_path", "", "accepted, unused: there is no logrotate process")
	return cmd
}

// pipeConfig reads the flags. The path is resolved: no link in it is followed later.
func pipeConfig(flags *pflag.FlagSet, path, user string, log *slog.Logger) (pipelog.Config, error) {
	config := pipelog.Config{Log: log}
	if path == "" {
		return config, usagef("--log_filename is missing; expected the path of the log file")
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return config, fmt.Errorf("--log_filename=%s: %w; expected a file in a directory that is there", path, err)
	}
	if name := filepath.Base(path); name == "." || name == ".." || name == "/" || strings.HasSuffix(path, "/") {
		return config, usagef("--log_filename=%s: expected a file, not a directory", path)
	}
	config.Path = filepath.Join(dir, filepath.Base(path))
	config.Module, config.Stream, err = pipeSettings(flags, user, dir)
	if options := flags.Lookup("logrotate_options"); err != nil && options.Changed && flags.Lookup(forgiving).Changed {
		log.Error("the log is rotated without its options, which are refused", "error", err)
		options.Changed = false
		config.Module, config.Stream, err = pipeSettings(flags, user, dir)
	}
	if err != nil {
		return config, err
	}
	for _, warning := range config.Stream.Warnings {
		log.Warn("--logrotate_options: " + warning)
	}
	return config, nil
}

// pipeSettings reads the flags as the parameters that they are.
func pipeSettings(flags *pflag.FlagSet, user, dir string) (settings.Module, settings.Stream, error) {
	var given []settings.Parameter
	names := map[string]string{} // of the flags, by parameter
	for _, flag := range pipeFlags {
		parameter := flag.parameter
		if parameter == "" {
			parameter = flag.name
		}
		names[parameter] = flag.name
		if found := flags.Lookup(flag.name); found.Changed {
			given = append(given, settings.Parameter{Key: parameter, Value: found.Value.String()})
		}
	}
	machine := settings.Machine{
		KnownUser: rotation.KnownUser, KnownGroup: rotation.KnownGroup, Forgive: flags.Lookup(forgiving).Changed,
	}
	module, _, err := machine.ParseModule(given)
	if err != nil {
		return module, settings.Stream{}, flagError(err, names)
	}
	container, _, err := module.ForTask(nil, user, dir)
	s := container.Stdout
	for _, origin := range []*settings.Origin{
		&s.MaxBytesFrom, &s.OptionsFrom, &s.MaxRateFrom, &s.WhenFull.EvictFrom, &s.WhenFull.WaitFrom, &s.WhenFull.PolicyFrom,
	} {
		if name := names[origin.Name]; name != "" {
			origin.Name = "--" + name
		}
	}
	return module, s, flagError(err, names)
}

// flagError says an error of a parameter with the name of its flag.
func flagError(err error, flags map[string]string) error {
	wrong := settings.All(err)
	if len(wrong) == 0 {
		return err
	}
	var told []string
	for _, invalid := range wrong {
		told = append(told, "--"+flags[invalid.From.Name]+strings.TrimPrefix(invalid.Error(), invalid.From.String()))
	}
	return usagef("%s", strings.Join(told, "; also "))
}

// formerPolicy is that of the last process which served the file, as it has shown it. The
// directory is the operator's own. A text that cannot be read is nobody's policy.
func formerPolicy(path string) *logrotate.Policy {
	directory, name := filepath.Split(path)
	dir, err := sandbox.Open(filepath.Clean(directory))
	if err != nil {
		return nil
	}
	defer dir.Close()
	shown, err := series.ShownPolicy(dir, name)
	if err != nil {
		return nil
	}
	return &shown.Policy
}

// pipeStdin serves stdin until its end, or until a signal.
func pipeStdin(ctx context.Context, config pipelog.Config, user string, file *logFile) error {
	if config.Trusted {
		if err := file.look(); err != nil {
			return err
		}
		if err := file.make(user); err != nil {
			return err
		}
		// A log that is there stays whose it is, over rotations too, unless the options say otherwise.
		config.Stream.Policy.Create.On = true
	}
	input, err := stdinPipe(os.Stdin, int(config.Module.PipeCapacityBytes))
	if err != nil {
		return err
	}
	leaveSession(os.Stdin)
	if err := become(user); err != nil {
		return err
	}
	if config.Trusted {
		if err := file.mayWrite(); err != nil {
			return err
		}
	}
	ctx, signals := untilSignal(ctx)
	config.Input, config.Former = input.reader, formerPolicy(config.Path)
	account, err := pipelog.Serve(ctx, config)
	if err != nil {
		return err
	}
	signals.raise()
	if err := input.failed(); err != nil {
		return err
	}
	if account.DroppedBytes > 0 {
		return fmt.Errorf("%d bytes in %d lines were dropped; the log has marks where", account.DroppedBytes, account.DroppedLines)
	}
	return nil
}
