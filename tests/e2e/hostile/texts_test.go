package hostile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A text is an attack by a task variable alone: the launch fails, with this reason.
type text struct {
	name, variable, value, want string
}

const (
	optionsVariable = "LOGROTATE_STDOUT_OPTIONS"
	inOptions       = "task variable CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS: "
)

// texts use RAN for the path of a file that a command of theirs would make.
var texts = []text{
	{
		"block after a closing brace", optionsVariable, "rotate 1\n}\n\"/*\" {\npostrotate\ntouch RAN\nendscript",
		`line 2, column 1: "}": braces would end the section of this log`,
	},
	{"script", optionsVariable, "postrotate\ntouch RAN\nendscript", `"postrotate": a script runs commands on the agent`},
	{"first script", optionsVariable, "firstaction\ntouch RAN\nendscript", `"firstaction": a script runs commands on the agent`},
	{
		"external compressor", optionsVariable, "compress\ncompresscmd /usr/bin/touch\ncompressoptions RAN",
		"an external compressor runs commands on the agent",
	},
	{"include", optionsVariable, "include /etc/logrotate.d", `"include": not supported: it would read files of the agent`},
	{"mail", optionsVariable, "mail root@localhost", `"mail": not supported: the logger sends no mail`},
	{"su root", optionsVariable, "su root root", "files are handled with the rights of the task's user and no other"},
	{"file for root", optionsVariable, "create 0644 root root", "a task can give files to its own user only"},
	{"copy", optionsVariable, "copy", `"copy": not supported: the live file would never shrink`},
	{"olddir above", optionsVariable, "olddir ../..", "olddir leads out of the sandbox"},
	{"olddir elsewhere", optionsVariable, "olddir /etc", "olddir leads out of the sandbox"},
	{"path in a date format", optionsVariable, "dateext\ndateformat /../../x%Y", "a slash would lead to another directory"},
	{"path in an extension", optionsVariable, "extension /../x", "a slash would lead to another directory"},
	{"file name in the body", optionsVariable, "/etc/passwd", "a file name cannot stand here"},
	{"rotation at every byte", optionsVariable, "maxsize 1", "maxsize 1 is too small; expected at least one page, 4096 bytes"},
	{"endless series", optionsVariable, "rotate -1", `"rotate -1" is more than the operator allows; expected at most rotate 9`},
	{"huge series", optionsVariable, "rotate 1000000", `"rotate 1000000" is more than the operator allows`},
	{"huge file", "MAX_STDOUT_SIZE", "1TB", `"1TB" is more than the operator allows; expected at most 1MB`},
	{"overflow", "MAX_STDOUT_SIZE", "9223372036854775807TB", "is too large"},
	{"no rate", "MAX_STDOUT_RATE", "off", `"off" is more than the operator allows`},
	{"operator's parameter", "ALLOW_TASK_SCRIPTS", "true", "only the operator can set allow_task_scripts"},
	{"endless text", optionsVariable, strings.Repeat("#", 65<<10), "is too long; expected at most 64KB"},
	{"deep text", optionsVariable, strings.Repeat("{", 60<<10), "braces would end the section of this log"},
	{"forged log line", optionsVariable, "rotate x\r\x1b[2J\u202e", `"x\r\x1b[2J\u202e": bad value of rotate`},
}

func TestTexts(t *testing.T) {
	a := newAgent(t, parameter{"task_max_size", "1MB"}, parameter{"task_max_files", "9"}, parameter{"task_max_rate", "1MB"},
		parameter{"max_stdout_rate", "1MB"})
	for _, tt := range texts {
		t.Run(tt.name, func(t *testing.T) {
			p := newProof(t)
			value := strings.ReplaceAll(tt.value, "RAN", p.outside+"/ran")
			got := a.run(t, "--user="+ordinary, "--task_env=CONTAINER_LOGGER_"+tt.variable+"="+value, "--", "true")
			require.NotZero(t, got.code)
			require.Len(t, got.Containers, 1)
			reason := got.Containers[0].Error
			if tt.variable == optionsVariable {
				require.Contains(t, reason, inOptions)
			}
			require.Contains(t, reason, tt.want)
			require.Less(t, len(reason), 1000)
			require.NotContains(t, reason, "\x1b")
			p.requireUntouched(t)
			require.NoFileExists(t, p.outside+"/ran")
		})
	}
}
