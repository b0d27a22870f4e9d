package settings

import "time"

// definition is one parameter: the only place where its name, form, default,
// meaning and range stand.
type definition struct {
	name string
	// form is what a value looks like, for the documents.
	form string
	// fallback is the default as one would write it; empty: none.
	fallback string
	// task says that it is also a task variable: prefix and name in capitals.
	task bool
	// unused says that it is accepted for the sake of the program replaced.
	unused  bool
	meaning string
	set     setter
}

// maxOptionsBytes bounds the text of rotation options; maxPipeBytes is what
// F_SETPIPE_SZ can be asked for without passing every system's limit.
const (
	maxOptionsBytes = 64 << 10
	maxPipeBytes    = 1 << 30
)

func stdoutOf(m *Module) *Stream { return &m.Stdout }
func stderrOf(m *Module) *Stream { return &m.Stderr }

// definitions are all parameters, in the order of the documents.
var definitions = []definition{
	{
		name: "max_stdout_size", form: "size", fallback: "10MB", task: true,
		meaning: "Limit of one live `stdout` file, at least one page. It is never passed.",
		set:     setMaxBytes(stdoutOf),
	},
	{
		name: "max_stderr_size", form: "size", fallback: "10MB", task: true,
		meaning: "The same for `stderr`.",
		set:     setMaxBytes(stderrOf),
	},
	{
		name: "logrotate_stdout_options", form: "options", task: true,
		meaning: "Rotation policy of `stdout` in logrotate's language. " +
			"Without `rotate N`, one rotated file is kept. A task's text takes the place of the operator's as a whole, " +
			"also where it is empty.",
		set: setOptions(stdoutOf),
	},
	{
		name: "logrotate_stderr_options", form: "options", task: true,
		meaning: "The same for `stderr`.",
		set:     setOptions(stderrOf),
	},
	{
		name: "environment_variable_prefix", form: "text", fallback: "CONTAINER_LOGGER_",
		meaning: "Prefix of the task variables. A variable with the prefix and an unknown name fails the launch.",
		set:     setPrefix,
	},
	{
		name: "launcher_dir", form: "text", unused: true,
		meaning: "Accepted, unused: there is no helper program.",
		set:     setNothing,
	},
	{
		name: "logrotate_path", form: "text", unused: true,
		meaning: "Accepted, unused: there is no logrotate process.",
		set:     setNothing,
	},
	{
		name: "libprocess_num_worker_threads", form: "text", unused: true,
		meaning: "Accepted, unused: there is no libprocess of ours.",
		set:     setNothing,
	},
	{
		name: "state_dir", form: "path", fallback: "/var/run/mesos/sluice",
		meaning: "Directory of the pipes, records and the lock; for root alone, best on a tmpfs.",
		set:     setStateDir,
	},
	{
		name: "keeper", form: "keeper", fallback: offWord,
		meaning: "With `start` the agent starts a keeper for `state_dir` where none lives, which holds the pipes and serves the containers " +
			"while the agent is away, outlives it, and ends when nothing is left to keep. Not needed where systemd keeps the pipes.",
		set: setKeeper,
	},
	{
		name: "keeper_command", form: "path",
		meaning: "The `sluice` that is started for `keeper=start`. Without it, the one that was installed with the library.",
		set:     setKeeperCommand,
	},
	{
		name: "pipe_capacity", form: "size", fallback: "1MB",
		meaning: "Size of each pipe: what a container can write while nobody reads. " +
			"Lowered, with a log line, where the kernel allows less.",
		set: setSize(func(m *Module) *int64 { return &m.PipeCapacityBytes }, pageBytes(), maxPipeBytes),
	},
	{
		name: "max_delay", form: "duration", fallback: "100ms",
		meaning: "Longest pause between a write and the file. `0ms` moves every write as it comes.",
		set:     setDuration(func(m *Module) *time.Duration { return &m.MaxDelay }, 0, time.Minute),
	},
	{
		name: "max_stdout_rate", form: "rate", fallback: "off", task: true,
		meaning: "Bytes per second of `stdout`, by holding the container back, so that nothing is lost. " +
			"A task can only lower it.",
		set: setMaxRate(stdoutOf),
	},
	{
		name: "max_stderr_rate", form: "rate", fallback: "off", task: true,
		meaning: "The same for `stderr`.",
		set:     setMaxRate(stderrOf),
	},
	{
		name: "stdout", form: "output", fallback: rotateWord, task: true,
		meaning: "Whether `stdout` is kept: `discard` gives the container /dev/null, and nothing is counted. " +
			"A task cannot keep what the operator discards.",
		set: setOutput(stdoutOf),
	},
	{
		name: "stderr", form: "output", fallback: rotateWord, task: true,
		meaning: "The same for `stderr`.",
		set:     setOutput(stderrOf),
	},
	{
		name: "debug_containers", form: "debug", fallback: rotateWord,
		meaning: "What becomes of the output of DEBUG containers (health checks, attached commands): `rotate` treats " +
			"them like others, `first` keeps the first " + FormatSize(FirstBytes) + " of each stream and no rotated file, " +
			"`discard` gives them /dev/null.",
		set: setDebugContainers,
	},
	{
		name: "allow_scripts", form: "switch", fallback: "false",
		meaning: "Whether the operator's options may name scripts and external compressors.",
		set:     setSwitch(func(m *Module) *bool { return &m.AllowScripts }),
	},
	{
		name: "allow_task_scripts", form: "switch", fallback: "false",
		meaning: "Whether a task's options may; they run as the task's user on the host.",
		set:     setSwitch(func(m *Module) *bool { return &m.AllowTaskScripts }),
	},
	{
		name: "allow_root_scripts", form: "switch", fallback: "false",
		meaning: "Whether a task's options may where the task's user is root, by whatever name.",
		set:     setSwitch(func(m *Module) *bool { return &m.AllowRootScripts }),
	},
	{
		name: "script_timeout", form: "duration", fallback: "1mins",
		meaning: "When the process group of a script is killed.",
		set: setDuration(func(m *Module) *time.Duration { return &m.ScriptTimeout },
			time.Millisecond, 24*time.Hour),
	},
	{
		name: "task_max_size", form: "ceiling", fallback: "none",
		meaning: "The largest `max_stdout_size` and `max_stderr_size` that a task may ask for.",
		set:     setCeiling(func(m *Module) *int64 { return &m.Task.MaxBytes }),
	},
	{
		name: "task_min_size", form: "size", fallback: "64KB",
		meaning: "The smallest that a task may ask for, and its `maxsize`, unless the operator's own limit is smaller: " +
			"each file that is full costs a rotation.",
		set: setSize(func(m *Module) *int64 { return &m.Task.MinBytes }, pageBytes(), 1<<60),
	},
	{
		name: "task_max_files", form: "count", fallback: "1000",
		meaning: "How many rotated files a task's `rotate` may keep; `rotate -1` is over every ceiling.",
		set:     setTaskMaxFiles,
	},
	{
		name: "task_max_rate", form: "ceiling", fallback: "none",
		meaning: "The largest `max_stdout_rate` and `max_stderr_rate` that a task may ask for. " +
			"Without it a task can only lower the operator's.",
		set: setCeiling(func(m *Module) *int64 { return &m.Task.MaxRateBytes }),
	},
	{
		name: "task_options", form: "directives", fallback: "safe",
		meaning: "The directives that a task's options may use, each also in its `no` form.",
		set:     setTaskOptions,
	},
	{
		name: "override_policy", form: "override", fallback: "refuse",
		meaning: "What becomes of what a task may not say: `refuse` fails its launch; `clamp` lowers it to the ceiling, " +
			"leaves out the directive, script or owner, and still refuses what makes no sense; `ignore` ignores the whole variable. " +
			"Variables of the container logger of DC/OS are ignored under both.",
		set: setOverridePolicy,
	},
	{
		name: "evict_on_full", form: "switch", fallback: "true", task: true,
		meaning: "Whether a write that finds no room removes rotated files of its own stream, the oldest first.",
		set:     setEvictOnFull,
	},
	{
		name: "full_wait", form: "duration", fallback: "2secs", task: true,
		meaning: "How long the container is held back when writing fails, before `on_full` holds. A task can only lower it.",
		set:     setFullWait,
	},
	{
		name: "on_full", form: "loss", fallback: "drop", task: true,
		meaning: "What follows: `drop` discards the output and counts it until writing works again, which a line in the log " +
			"then tells; `block` lets the container wait.",
		set: setOnFull,
	},
	{
		name: "node_max_bytes", form: "budget", fallback: offWord,
		meaning: "The most that the files of all containers take together. Over it rotated files are deleted, " +
			"the oldest of the container that has most first.",
		set: setNodeMaxBytes,
	},
	{
		name: "node_min_free", form: "free", fallback: offWord,
		meaning: "What stays free of the file system of the sandboxes, whoever fills it, as long as there are rotated files to delete.",
		set:     setNodeMinFree,
	},
	{
		name: "prepare_timeout", form: "duration", fallback: "5secs",
		meaning: "Longest wait of a launch for the disk of its sandbox; then it fails with the reason.",
		set: setDuration(func(m *Module) *time.Duration { return &m.PrepareTimeout },
			10*time.Millisecond, time.Hour),
	},
	{
		name: "memory_limit", form: "size", fallback: "64MB",
		meaning: "Soft ceiling of the core's memory beyond what the streams need.",
		set:     setSize(func(m *Module) *int64 { return &m.MemoryLimitBytes }, 16<<20, 1<<40),
	},
	{
		name: "count_lines", form: "switch", fallback: "true",
		meaning: "Whether the lines that are written are counted. Without it the logger takes a tenth less CPU, " +
			"and there are no figures of lines but for those dropped.",
		set: setSwitch(func(m *Module) *bool { return &m.CountLines }),
	},
	{
		name: "times", form: "switch", fallback: "true",
		meaning: "Whether it is kept when each line was written, in a file beside the log, `stdout.times`: for `sluice logs` with " +
			"`--timestamps`, `--since` and `--until`. The log itself is not touched. It takes at most a sixteenth of the log's bytes, and 64KB.",
		set: setSwitch(func(m *Module) *bool { return &m.Times }),
	},
	{
		name: "time_resolution", form: "duration", fallback: "100ms",
		meaning: "How exact that is: one time for what is written within so long.",
		set: setDuration(func(m *Module) *time.Duration { return &m.TimeResolution },
			time.Millisecond, time.Minute),
	},
	{
		name: "log_streams", form: "switch", fallback: "false",
		meaning: "One line in the agent's log per stream.",
		set:     setSwitch(func(m *Module) *bool { return &m.LogStreams }),
	},
}

// find gives the definition of a name, or nil.
func find(name string) *definition {
	for i := range definitions {
		if definitions[i].name == name {
			return &definitions[i]
		}
	}
	return nil
}
