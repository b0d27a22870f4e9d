package main

import "sluice/core/settings"

// policy is what the stdout of a container has; its stderr has stderrOptions.
type policy struct {
	name    string
	options string
	// variables beside those of the options.
	variables []settings.Variable
	// keepsAll says that no file of the series is removed in the time there is.
	keepsAll bool
}

// parameters are the operator's. Limits are small, so that every stream has its rotations;
// a busy machine may be slow to launch.
var parameters = []settings.Parameter{
	{Key: "prepare_timeout", Value: "10mins"},
	{Key: "max_stdout_size", Value: "64KB"},
	{Key: "max_stderr_size", Value: "32KB"},
	{Key: "full_wait", Value: "1secs"},
	{Key: "debug_containers", Value: "first"},
	{Key: "logrotate_stderr_options", Value: stderrOptions},
}

const stderrOptions = "rotate 1000\ncompress"

// policies are those of long-lived containers: a hostile one and an honest one each.
var policies = []policy{
	{name: "numbered", options: "rotate 1000", keepsAll: true},
	{name: "compress", options: "rotate 1000\ncompress", keepsAll: true},
	{name: "delayed", options: "rotate 1000\ncompress\ndelaycompress", keepsAll: true, variables: blocking},
	{name: "dated", options: "rotate 1000\ndateext", keepsAll: true},
	{name: "zstd", options: "rotate 1000\ndateext\ndateformat -%Y%m%d-%s\ncompress\ncompresscmd zstd", keepsAll: true},
	{name: "olddir", options: "rotate 1000\nolddir old\ncreateolddir 755", keepsAll: true},
	{name: "olddirgz", options: "rotate 1000\nolddir old\ncreateolddir 700\ncompress\nextension .log", keepsAll: true, variables: blocking},
	{name: "modes", options: "rotate 5\ncreate 0600\ncompress"},
	{name: "none", options: "rotate 0"},
	{name: "few", options: "rotate 3\nstart 0\ndateext\nmaxage 1", variables: blocking},
}

// blocking has the container wait where its output cannot be written, however long.
var blocking = []settings.Variable{{Name: "CONTAINER_LOGGER_ON_FULL", Value: "block"}}

// discarded is the output of which little or nothing is kept, whose containers only have
// to be able to write.
var discarded = []policy{
	{name: "debug"},
	{name: "discard", variables: []settings.Variable{{Name: "CONTAINER_LOGGER_STDOUT", Value: "discard"}}},
}

// keepsNone says that there is a live file and no other.
func (p policy) keepsNone() bool { return p.options == "rotate 0" }

// environment is how a task asks for the policy.
func (p policy) environment() []settings.Variable {
	if p.options == "" {
		return p.variables
	}
	return append([]settings.Variable{{Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", Value: p.options}}, p.variables...)
}
