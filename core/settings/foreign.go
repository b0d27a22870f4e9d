package settings

import (
	"slices"
	"strings"
)

// foreign are the parameters of the container logger of DC/OS, which tasks and modules
// files that come from there still have, with what takes their place here. They are task
// variables there too, but for those of its own process.
var foreign = map[string]string{
	"logrotate_max_stdout_size": "max_stdout_size takes its place",
	"logrotate_max_stderr_size": "max_stderr_size takes its place",
	"destination_type":          "nothing takes its place: output goes into files of the sandbox, and a shipper sends them on",
	"extra_labels":              "nothing takes its place: there is no journal whose entries could bear labels",
	"companion_dir":             "nothing takes its place: there is no helper program",
	"max_label_payload_size":    "nothing takes its place: there is no journal whose entries could bear labels",
	"fluentbit_ip":              "nothing takes its place: output goes into files of the sandbox, and a shipper sends them on",
	"fluentbit_port":            "nothing takes its place: output goes into files of the sandbox, and a shipper sends them on",
	"user":                      "nothing takes its place: files belong to the task's user",
}

// fromDCOS explains a name that is known from DC/OS.
func fromDCOS(untrustedName string, asVariable func(string) string) (string, bool) {
	instead, known := foreign[strings.ToLower(untrustedName)]
	if !known {
		return "", false
	}
	if name, rest, found := strings.Cut(instead, " takes its place"); found && !strings.HasPrefix(instead, "nothing") {
		instead = asVariable(name) + " takes its place" + rest
	}
	return "is a setting of the container logger of DC/OS; " + instead, true
}

// taskNames are the names of the task variables, without the prefix, as parameters are
// written.
func taskNames() (names []string) {
	for i := range definitions {
		if definitions[i].task {
			names = append(names, definitions[i].name)
		}
	}
	return names
}

// otherCase says that a variable would be one of ours with the prefix in another case.
func (m Module) otherCase(untrustedName string) bool {
	n := len(m.VariablePrefix)
	return len(untrustedName) > n && strings.EqualFold(untrustedName[:n], m.VariablePrefix) &&
		slices.Contains(taskNames(), strings.ToLower(untrustedName[n:]))
}
