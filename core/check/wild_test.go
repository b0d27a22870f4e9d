package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"sluice/core/settings"
)

// Verdicts of the option texts that follow.
const (
	// fits: accepted as it is.
	fits = ""
	// needsScripts: accepted where the operator sets allow_scripts.
	needsScripts = "a script runs commands on the agent, which the module parameter allow_scripts does not permit"
	// needsProgram: the same, for a program that compresses.
	needsProgram = "an external compressor runs commands on the agent, which the module parameter allow_scripts does not permit; " +
		"expected gzip, zstd, xz or bzip2, which are built in"
)

// wild are option texts of the kinds that packages, roles, images and pages bring:
// which directives they combine is taken from there, the scripts are not. A text that
// needs more than allow_scripts has the words of its refusal.
var wild = []struct{ of, options, verdict string }{
	// Packages of Debian.
	{"package manager", "monthly\nrotate 12\ncompress\nmissingok\nnotifempty", fits},
	{"package manager, with a mode", "monthly\nrotate 12\ncompress\ndelaycompress\nmissingok\nnotifempty\ncreate 644 root root", fits},
	{"web server", "daily\nmissingok\nrotate 14\ncompress\ndelaycompress\nnotifempty\ncreate 0640 www-data adm\nsharedscripts\n" +
		"prerotate\n\tif true; then \\\n\t\t:; \\\n\tfi\nendscript\npostrotate\n\t: reload\nendscript", needsScripts},
	{"system log", "rotate 4\nweekly\nmissingok\nnotifempty\ncompress\ndelaycompress\nsharedscripts\npostrotate\n: again\nendscript", needsScripts},
	{"database cluster", "weekly\nrotate 10\ncopytruncate\ndelaycompress\ncompress\nnotifempty\nmissingok\nsu root root", fits},
	{"database server", "# su mysql mysql\n\n  missingok\n  notifempty\n  monthly\n  rotate 6\n  maxsize 500M\n  minsize 50M\n  compress\n  delaycompress\n" +
		"  sharedscripts\n  postrotate\n    if true\n    then\n      X='--y'\n    fi\n  endscript", needsScripts},
	{"key-value store", "weekly\nmissingok\nrotate 12\ncompress\nnotifempty\ndelaycompress", fits},
	{"message queue", "daily\nmissingok\ncompress\ndelaycompress\nnotifempty", fits},
	{"mail server", "daily\nmissingok\nrotate 10\ncompress\ndelaycompress\nnotifempty\nnocreate", fits},
	{"mail server, by size", "size 10M\nmissingok\nrotate 10\ncompress\ndelaycompress\nnotifempty\nnocreate", fits},
	{"broker", "rotate 7\ndaily\ncompress\nsize 100k\nnocreate\nmissingok\npostrotate\n:\nendscript", needsScripts},
	{"cluster engine", "missingok\ncompress\ndaily\nrotate 31\nminsize 2048\nnotifempty\nnocreate\npostrotate\n:\nendscript", needsScripts},
	{"intruder filter", "    weekly\n    rotate 4\n    compress\n    # Not if empty\n    notifempty\n\n    delaycompress\n    missingok\n    postrotate\n\t:\n    endscript\n\n" +
		"    # create 640 f adm\n    create 640 root adm", needsScripts},
	{"camera", "rotate 12\nmonthly\ncompress\ndelaycompress\nmissingok\nnotifempty\ncopytruncate", fits},
	{"chat server", "weekly\nmissingok\nrotate 12\nsize 1M\ncompress\ndelaycompress\nifempty\ncreate 640 daemon adm\nsharedscripts\npostrotate\n: && : || true\nendscript", needsScripts},
	{"file transfer", "monthly\nmissingok\nrotate 7\ncompress\nprerotate\nendscript\npostrotate\n\t# a comment\n\t: || true\nendscript", needsScripts},
	{"groupware", "daily\nmissingok\nrotate 7\ncompress\ndelaycompress\nnotifempty\ncopytruncate\n# needs >= 3.8.0\nsu daemon daemon", fits},
	{"clock", "missingok\nnocreate\nsharedscripts\npostrotate\n: > /dev/null 2>&1 || true\nendscript", needsScripts},
	// Nodes of clusters and images of containers.
	{"containers of a node", "rotate 5\ncopytruncate\nmissingok\nnotifempty\ncompress\nmaxsize 10M\ndaily\ndateext\ndateformat -%Y%m%d-%s\ncreate 0644 root root", fits},
	{"containers, for a month", "rotate 100\ncopytruncate\nmissingok\nnotifempty\ncompress\nmaxsize 100M\nmaxage 30\ndaily\ndateext\ndateformat -%Y%m%d-%s", fits},
	{"mounted bucket", "rotate 10\nsize 5G\nhourly\nmissingok\nnotifempty\ncompress\ndateext\ndateformat -%Y%m%d-%s\ndelaycompress", fits},
	{"small image", "daily\nrotate 1\ncreate\ncompress\ndelaycompress\nmissingok\nnotifempty\nminsize 100k\nmaxsize 1M\ntabooext + .apk-new", fits},
	{"whole file of a small image", "weekly\nrotate 4\ncreate\ndateext\ntabooext + .apk-new\ncompress\ninclude /etc/logrotate.d", "not supported: it would read files of the agent as configuration; expected the directives themselves"},
	// Roles, recipes, manifests and scripts.
	{"directives on one line", "daily\nmissingok\nnotifempty\ncopytruncate\nrotate 14\ncompress\nmaxsize 300M\ndateext dateformat -%Y%m%d-%s", fits},
	{"retention for auditors", "dateext\ndateformat -%Y%m%d-%s\nweekly\nrotate 52\nmissingok\nnotifempty\ncopytruncate\ncompress\ncompressoptions -9\ndelaycompress", fits},
	{"a gentle gzip", "daily\nminsize 200M\nrotate 7\nnocreate\nmissingok\nnotifempty\ncompress\ncompresscmd /usr/bin/nice\ncompressoptions -n19 ionice -c3 gzip\ncompressext .gz", fits},
	{"a quoted level", "su root root\ndaily\nrotate 7\nmaxage 7\ndateext\ndateformat -%Y%m%d\nmissingok\ncompress\ncompresscmd /bin/gzip\ncompressoptions \"-1\"\ncopytruncate", fits},
	{"gzip by its path", "rotate 3\nmaxage 10\ncompress\ncompresscmd /bin/gzip\nuncompresscmd /bin/gunzip\nsize 2k\nmissingok\nnotifempty\ncopytruncate", fits},
	{"pigz", "size 100M\nrotate 10\ncompress\ncompresscmd /usr/bin/pigz\ncompressext .gz\ncreate 0640 root adm\ndateext\ndateformat -%Y%m%d", fits},
	{"bzip2", "rotate 3\ndaily\nmissingok\ncompress\ncompresscmd /usr/bin/bzip2\ncompressext .bz2", fits},
	{"bzip2 of a mail server", "compress\nweekly\nrotate 10\ncreate 0600 root root\nmissingok\ncompresscmd /bin/bzip2\nuncompresscmd /bin/bunzip2\ncompressoptions -9\ncompressext .bz2 ", fits},
	{"xz, hard", "weekly\nrotate 16\nmissingok\nnotifempty\ndateext\ncompress\ndelaycompress\ncompresscmd /usr/bin/xz\nuncompresscmd /usr/bin/unxz\ncompressext .xz\ncompressoptions -9e\ncreate 0640 daemon daemon", fits},
	{"zstd", "daily\nrotate 14\ncompress\ncompresscmd /usr/bin/zstd\ncompressoptions -19\ncompressext .zst\nmissingok\nnotifempty", fits},
	{"zstd with threads", "copytruncate\ndaily\nmissingok\nrotate 14\ncompress\ncompresscmd /usr/bin/zstd\ncompressext .zst\ncompressoptions -T0 --long\nuncompresscmd /usr/bin/unzstd\nnotifempty\ndelaycompress\ndateext", fits},
	{"zstd, harder", "compress\ncompresscmd /usr/bin/zstd\ncompressext .zst\ncompressoptions -T0 --long --ultra -22\nuncompresscmd /usr/bin/unzstd\ntabooext + .pacorig .pacnew .pacsave", fits},
	{"zstd, its reverse with an option", "weekly\nrotate 4\ncompress\ncompresscmd /usr/bin/zstd\nuncompresscmd /usr/bin/zstd -d\ncompressext zst", fits},
	{"zip", "size 10M\nmissingok\nrotate 30\ndateext\ndateformat -%Y%m%d-%H%M%S\ncompress\ncompresscmd /usr/bin/zip\ncompressext .zip\ncompressoptions -9 ", needsProgram},
	{"lz4", "daily\nrotate 7\ncompress\ncompresscmd /usr/bin/lz4\nuncompresscmd /usr/bin/lz4 -d\ncompressext .lz4", needsProgram},
	// What stays refused, and what is said of it.
	{"a directory of the host", "weekly\nrotate 4\nolddir /var/log/archive\ncompress", "an absolute olddir cannot be beneath every sandbox; expected a relative path, as olddir old"},
	{
		"comments behind values", "daily\nrotate 10\nmissingok\ncompress\ncompresscmd /usr/bin/bzip2\ncompressoptions -9 # options\ndelaycompress # wait",
		"a value runs to the end of its line; a comment behind it needs a line of its own",
	},
	{"a line of a shell", "daily rotate 7 minsize 10M compress", "a value runs to the end of its line; \"minsize\" needs a line of its own"},
	{"mail", "weekly\nrotate 4\nmail admin@example.com\nmailfirst", "not supported: the logger sends no mail; expected the text without it"},
	{"a whole section", "/var/log/app/*.log {\n  daily\n  rotate 7\n}", "a file name cannot stand here: the policy is for one file; expected directives only"},
	{"copies", "daily\nrotate 7\ncopy", "expected copytruncate, or no directive: both leave the same files and keep their limit"},
}

// TestOptionTextsOfTheWild: half of what people have was refused without need.
func TestOptionTextsOfTheWild(t *testing.T) {
	accepted := 0
	for _, c := range wild {
		t.Run(c.of, func(t *testing.T) {
			r := &Report{}
			for _, scripts := range []string{"false", "true"} {
				m := module{given: []parameter{
					{Parameter: settings.Parameter{Key: "logrotate_stdout_options", Value: c.options}},
					{Parameter: settings.Parameter{Key: "allow_scripts", Value: scripts}},
				}}
				*r = Report{}
				_, ok := r.parameters(m)
				want := c.verdict
				if scripts == "true" && (want == needsScripts || want == needsProgram) {
					want = fits
				}
				told := strings.Join(texts(r, Error), "\n")
				assert.Equal(t, want == fits, ok, told)
				if want != fits {
					assert.Contains(t, told, want)
				}
				if ok && scripts == "false" {
					accepted++
				}
			}
			t.Logf("%s", strings.Join(append(texts(r, Error), texts(r, Warning)...), "; "))
		})
	}
	t.Logf("%d of %d texts are accepted without scripts", accepted, len(wild))
}
