package main

import "sluice/core/settings"

// attack is what a hostile container does, under what its operator allows.
type attack struct {
	name string
	// operator has parameters that every version knows, lifted those that take a later
	// version's bounds away.
	operator, lifted []settings.Parameter
	// variables of the attackers, and those that are next best where a version refuses them.
	variables, allowed []settings.Variable
	// operatorsOptions says that tasks may have no options of their own.
	operatorsOptions bool
	// containers that attack, with two streams each.
	containers int
	// role is what they run (act).
	role string
}

func options2(text string) []settings.Variable {
	return []settings.Variable{
		{Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", Value: text},
		{Name: "CONTAINER_LOGGER_LOGROTATE_STDERR_OPTIONS", Value: text},
	}
}

func sizes(limit string) []settings.Variable {
	return []settings.Variable{
		{Name: "CONTAINER_LOGGER_MAX_STDOUT_SIZE", Value: limit},
		{Name: "CONTAINER_LOGGER_MAX_STDERR_SIZE", Value: limit},
	}
}

func parameters(texts ...string) (list []settings.Parameter) {
	for i := 0; i < len(texts); i += 2 {
		list = append(list, settings.Parameter{Key: texts[i], Value: texts[i+1]})
	}
	return list
}

var (
	budget   = parameters("node_max_bytes", "200MB")
	unending = append(sizes("64KB"), options2("rotate 1000\ndateext\nmaxsize 64k")...)
	lifted   = parameters("task_max_files", "none", "task_min_size", "4KB")
)

// attacks are made one after the other, each in a host of its own.
var attacks = []attack{
	{name: "none", containers: 2, role: roleTalk},
	{
		name: "numbered names", containers: 2, role: rolePlantNumbered,
		variables: append(sizes("4KB"), options2("rotate 1000000")...),
		allowed:   append(sizes("64KB"), options2("rotate 1000")...),
	},
	{
		name: "numbered names, ceilings lifted", containers: 2, role: rolePlantNumbered, lifted: lifted,
		variables: append(sizes("4KB"), options2("rotate 1000000")...),
	},
	{
		name: "dated names", containers: 2, role: rolePlantDated,
		operator:  parameters("task_max_files", "5", "task_max_size", "10MB"),
		variables: append(sizes("64KB"), options2("rotate 5\ndateext\ncompress")...),
	},
	{
		name: "dated names under the operator's options", containers: 2, role: rolePlantDated, operatorsOptions: true,
		operator: parameters("task_options", "none", "max_stdout_size", "64KB", "max_stderr_size", "64KB",
			"logrotate_stdout_options", "rotate 7\ndateext\ncompress\ndelaycompress",
			"logrotate_stderr_options", "rotate 7\ndateext\ncompress\ndelaycompress"),
	},
	{
		name: "smallest files", containers: 2, role: roleFlood,
		variables: append(sizes("4KB"), options2("rotate 1000")...),
		allowed:   append(sizes("64KB"), options2("rotate 1000")...),
	},
	{
		name: "smallest files, ceilings lifted", containers: 2, role: roleFlood, lifted: lifted,
		variables: append(sizes("4KB"), options2("rotate 1000")...),
	},
	{
		name: "long files without data", containers: 1, role: rolePlantLong, operator: budget,
		variables: append(sizes("1MB"), options2("rotate -1\ndateext\nmaxsize 4096")...),
		allowed:   unending,
	},
	{
		name: "long files without data, ceilings lifted", containers: 1, role: rolePlantLong, lifted: lifted, operator: budget,
		variables: append(sizes("1MB"), options2("rotate -1\ndateext\nmaxsize 4096")...),
	},
	{
		name: "long files without data under rotate 5", containers: 1, role: rolePlantLong,
		operator:  append(parameters("task_max_files", "5"), budget...),
		variables: append(sizes("1MB"), options2("rotate 5\ndateext\nmaxsize 4096\nmaxage 3650")...),
		allowed:   append(sizes("1MB"), options2("rotate 5\ndateext\nmaxsize 64k\nmaxage 3650")...),
	},
	{
		name: "long files that cannot be deleted", containers: 1, role: rolePlantLocked,
		operator:  append(parameters("task_max_files", "5"), budget...),
		variables: append(sizes("1MB"), options2("rotate 5\ndateext\nmaxage 3650")...),
	},
	{name: "long live files", containers: 2, role: roleLong, operator: budget, variables: sizes("45MB")},
	{name: "a hole before each line", containers: 2, role: roleHole},
	{name: "pipes in packet mode", containers: 2, role: rolePackets},
	{
		name: "slow scripts", containers: 2, role: roleTalk,
		operator: parameters("allow_scripts", "true", "allow_task_scripts", "true",
			"logrotate_stdout_options", "rotate 5\npostrotate\ntrue\nendscript"),
		variables: append(sizes("64KB"), options2("rotate 5\npostrotate\nsleep 55\nendscript")...),
	},
}
