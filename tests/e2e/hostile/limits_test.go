package hostile

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// limitAttacks try to get more files, bytes or names than the policy gives.
var limitAttacks = []attack{
	{
		name: "dates that collide", wants: "the limit", options: "rotate 3\ndateext", keeps: true,
		act: func(k *task) { k.print(k.rounds) },
	},
	{
		name: "dates that collide, with a format that says nothing", wants: "the limit", keeps: true,
		options: "rotate 3\ndateext\ndateformat -x",
		act:     func(k *task) { k.print(k.rounds) },
	},
	{
		name: "no newline at all", wants: "the limit", keeps: true,
		act: func(k *task) {
			chunk := make([]byte, limitBytes)
			for range k.rounds {
				_, _ = os.Stdout.Write(chunk)
			}
		},
	},
	{
		name: "many foreign files", wants: "the agent's time", options: "rotate 3\ndateext", keeps: true,
		act: func(k *task) {
			k.must(os.Mkdir("names", 0o755))
			k.must(os.WriteFile("names/0", nil, 0o644))
			for i := range k.rounds * 20 {
				f, err := os.Create(fmt.Sprintf("foreign-%d", i))
				k.must(err)
				k.must(f.Close())
			}
			k.print(k.rounds)
		},
	},
	{
		name: "many impostors", wants: "the agent's log", impostors: 1,
		act: func(k *task) {
			k.storm(func() {
				k.plant("stdout", k.symlink("/nowhere"))
				k.plant("stdout.1", k.directory)
			})
		},
		check: func(t *testing.T, p proof) {
			require.Less(t, p.logLines, 30, "the agent's log")
		},
	},
	{
		name: "compressions that fail", wants: "the agent's log", options: "rotate 3\ncompress",
		act: func(k *task) {
			k.storm(func() {
				f, err := os.OpenFile("stdout.1", os.O_WRONLY|os.O_APPEND, 0)
				if err != nil {
					return
				}
				_, _ = f.WriteString("more\n")
				_ = f.Close()
				for _, name := range k.names(".") {
					if len(name) > 1 && name[0] == '.' {
						k.plant(name, k.directory)
					}
				}
			})
		},
		check: func(t *testing.T, p proof) {
			require.Less(t, p.logLines, 30, "the agent's log")
		},
	},
}
