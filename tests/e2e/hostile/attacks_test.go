package hostile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// attack is what a task does to its log, and what it wants by it.
type attack struct {
	name  string
	wants string
	// options are its rotation options; `rotate 3` where it has none.
	options string
	// act runs in the task, with its rights; it ends when the attack is over.
	act func(k *task)
	// as lists the users that it is tried as.
	as []string
	// keeps says that the series is the logger's alone to fill: the number and the
	// sizes of its files are then held to the policy.
	keeps bool
	// stops says that the task takes itself the right to write for as long as it attacks:
	// then what it prints is dropped at last. Else nothing is.
	stops bool
	// impostors is the least number of things that the logger must have moved aside.
	impostors int
	// check looks for what is special to the attack.
	check func(t *testing.T, p proof)
}

const (
	ordinary = "nobody"
	root     = "root"
)

var (
	both   = []string{ordinary, root}
	asRoot = []string{root}
)

// attacks are all of them; those that are only a text stand in texts.
func attacks() []attack {
	all := slices.Concat([]attack{control}, swaps, fileAttacks, limitAttacks, pipeAttacks)
	for i := range all {
		if all[i].as == nil {
			all[i].as = []string{ordinary}
		}
		if all[i].options == "" {
			all[i].options = "rotate 3"
		}
	}
	return all
}

func find(name string) *attack {
	for _, a := range attacks() {
		if a.name == name {
			return &a
		}
	}
	return nil
}

// swaps run in a tight loop while the log rotates: they wait for the instant between
// a look and an act.
var swaps = []attack{
	{
		name: "live file swapped for a link to a file of root", wants: "write", as: both, impostors: 1,
		act: func(k *task) { k.storm(func() { k.plant("stdout", k.symlink(k.canary)) }) },
	},
	{
		name: "live file swapped for a link to a missing file of root", wants: "create", as: both, impostors: 1,
		act: func(k *task) { k.storm(func() { k.plant("stdout", k.symlink(k.canaryDir+"/new")) }) },
	},
	{
		name: "rotated names swapped for links to a file of root", wants: "write", as: both,
		act: func(k *task) {
			k.storm(func() { k.plant(fmt.Sprintf("stdout.%d", 1+k.random(5)), k.symlink(k.canary)) })
		},
	},
	{
		name: "rotated file swapped for a link to a secret, to be compressed", wants: "read", as: both,
		options: "rotate 3\ncompress",
		act: func(k *task) {
			k.storm(func() { k.plant(fmt.Sprintf("stdout.%d", 1+k.random(2)), k.symlink(k.secret)) })
		},
	},
	{
		name: "compressed name swapped for a link to a file of root", wants: "write", as: both, options: "rotate 3\ncompress",
		act: func(k *task) {
			k.storm(func() { k.plant(fmt.Sprintf("stdout.%d.gz", 1+k.random(4)), k.symlink(k.canary)) })
		},
	},
	{
		name: "copies redirected by a link", wants: "write", as: both, options: "rotate 3\ncopytruncate\ncompress",
		act: func(k *task) {
			k.storm(func() { k.plant(fmt.Sprintf("stdout.%d", 1+k.random(2)), k.symlink(k.canary)) })
		},
	},
	{
		name: "live file swapped for a FIFO", wants: "the agent's time", impostors: 1,
		act: func(k *task) { k.storm(func() { k.plant("stdout", k.fifo) }) },
	},
	{
		name: "live file swapped for a socket", wants: "the agent's time", impostors: 1,
		act: func(k *task) { k.storm(func() { k.plant("stdout", k.socket) }) },
	},
	{
		name: "live file swapped for a full directory", wants: "the limit", impostors: 1,
		act: func(k *task) { k.storm(func() { k.plant("stdout", k.directory) }) },
	},
	{
		name: "rotated names swapped for full directories", wants: "the limit",
		act: func(k *task) {
			k.storm(func() { k.plant(fmt.Sprintf("stdout.%d", 1+k.random(4)), k.directory) })
		},
	},
	{
		name: "live file swapped for a hard link to another file of the user", wants: "another log", impostors: 1,
		act:   func(k *task) { k.storm(func() { k.plant("stdout", k.hardLink) }) },
		check: func(t *testing.T, p proof) { p.requireSame(t, p.outside+"/precious", "precious\n") },
	},
	{
		name: "live file swapped for a device", wants: "the agent's time", as: asRoot, impostors: 1,
		act: func(k *task) { k.storm(func() { k.plant("stdout", k.device) }) },
	},
	{
		name: "FIFO and link in turns", wants: "write", as: both, impostors: 1,
		act: func(k *task) {
			k.storm(func() { k.plant("stdout", k.fifo); k.plant("stdout", k.symlink(k.canary)) })
		},
	},
	{
		name: "olddir swapped for a link to a directory of root", wants: "create", as: both,
		options: "rotate 3\nolddir old\ncreateolddir",
		act:     func(k *task) { k.storm(func() { k.plant("old", k.symlink(k.canaryDir)) }) },
	},
	{
		name: "directory above olddir swapped for a link", wants: "create", as: both,
		options: "rotate 3\nolddir a/b\ncreateolddir",
		act:     func(k *task) { k.storm(func() { k.plant("a", k.symlink(k.canaryDir)) }) },
	},
	{
		name: "notes of the logger forged", wants: "remove", as: both, options: "rotate 3\ncompress",
		act: func(k *task) {
			k.storm(func() {
				for _, name := range k.names(".") {
					if strings.HasPrefix(name, ".stdout") {
						k.plant(name, k.symlink(k.canary))
					}
				}
			})
		},
	},
	{
		name: "policy shown in the sandbox swapped for a link", wants: "write", as: both,
		act: func(k *task) {
			k.storm(func() {
				k.plant(".stdout.logrotate.conf.sluice-new", k.symlink(k.canary))
				k.plant("stdout.logrotate.conf", k.symlink(k.canary))
			})
		},
	},
	{
		name: "time index swapped for a link", wants: "write", as: both,
		act: func(k *task) {
			k.storm(func() {
				for _, stream := range []string{"stdout", "stderr"} {
					k.plant(stream+".times", k.symlink(k.canary))
				}
			})
		},
	},
}
