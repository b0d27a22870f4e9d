package logrotate

import (
	"fmt"
	"maps"
	"slices"
)

// reader reads what follows a keyword. It leaves the cursor on the byte behind the
// keyword (a directive without value) or on the newline behind the value.
type reader func(p *parser, key word) error

// directives is the whole vocabulary.
var directives = map[string]reader{
	"rotate": readRotate,
	"start":  readStart,

	"compress":        flag(func(p *Policy) { p.Compress = true }),
	"nocompress":      flag(func(p *Policy) { p.Compress = false }),
	"delaycompress":   flag(func(p *Policy) { p.DelayCompress = true }),
	"nodelaycompress": flag(func(p *Policy) { p.DelayCompress = false }),
	"compresscmd":     readCompressCmd,
	"uncompresscmd":   readUncompressCmd,
	"compressext":     readCompressExt,
	"compressoptions": readCompressOptions,

	"dateext":       flag(func(p *Policy) { p.DateExt = true }),
	"nodateext":     flag(func(p *Policy) { p.DateExt = false }),
	"dateformat":    readDateFormat,
	"dateyesterday": flag(func(p *Policy) { p.DateYesterday = true }),
	"datehourago":   flag(func(p *Policy) { p.DateHourAgo = true }),
	"extension":     readNamePart(func(p *Policy, s string) { p.Extension = s }),
	"addextension":  readNamePart(func(p *Policy, s string) { p.AddExtension = s }),

	"olddir":         readOldDir,
	"noolddir":       flag(func(p *Policy) { p.OldDir = "" }),
	"createolddir":   readCreateOldDir,
	"nocreateolddir": flag(func(p *Policy) { p.CreateOldDir.On = false }),
	"create":         readCreate,
	"nocreate":       flag(func(p *Policy) { p.Create.On = false }),

	"maxage":     readMaxAge,
	"maxsize":    readMaxSize,
	"size":       readIgnoredSize("the limit of the live file is set by max_stdout_size or max_stderr_size"),
	"minsize":    readIgnoredSize("files are rotated when they reach their limit"),
	"minage":     readIgnoredCount("files are rotated when they reach their limit, whatever their age"),
	"notifempty": flag(func(p *Policy) { p.NotIfEmpty = true }),
	"ifempty":    flag(func(p *Policy) { p.NotIfEmpty = false }),

	"hourly":  flag(func(p *Policy) { p.Every = Hourly }),
	"daily":   flag(func(p *Policy) { p.Every = Daily }),
	"weekly":  readWeekly,
	"monthly": flag(func(p *Policy) { p.Every = Monthly }),
	"yearly":  flag(func(p *Policy) { p.Every = Yearly }),

	"copytruncate":    flag(func(p *Policy) { p.CopyTruncate, p.RenameCopy = true, false }),
	"nocopytruncate":  flag(func(p *Policy) { p.CopyTruncate = false }),
	"renamecopy":      flag(func(p *Policy) { p.CopyTruncate, p.RenameCopy = false, true }),
	"norenamecopy":    flag(func(p *Policy) { p.RenameCopy = false }),
	"copy":            func(p *parser, key word) error { p.copyAt = &key; return nil },
	"nocopy":          func(p *parser, _ word) error { p.copyAt = nil; return nil },
	"allowhardlink":   flag(func(p *Policy) { p.AllowHardLink = true }),
	"noallowhardlink": flag(func(p *Policy) { p.AllowHardLink = false }),

	"firstaction":     readScript(func(s *Scripts) *string { return &s.FirstAction }),
	"prerotate":       readScript(func(s *Scripts) *string { return &s.PreRotate }),
	"postrotate":      readScript(func(s *Scripts) *string { return &s.PostRotate }),
	"lastaction":      readScript(func(s *Scripts) *string { return &s.LastAction }),
	"preremove":       readScript(func(s *Scripts) *string { return &s.PreRemove }),
	"sharedscripts":   flag(func(p *Policy) { p.Scripts.Shared = true }),
	"nosharedscripts": flag(func(p *Policy) { p.Scripts.Shared = false }),

	"su":     readSu,
	"mail":   readMail,
	"nomail": func(p *parser, _ word) error { p.mailAt = nil; return nil },

	"shred":       readShred,
	"noshred":     flag(func(*Policy) {}),
	"shredcycles": readIgnoredCount("files are unlinked, not shredded"),

	"mailfirst":        flag(func(*Policy) {}),
	"maillast":         flag(func(*Policy) {}),
	"missingok":        flag(func(*Policy) {}),
	"nomissingok":      flag(func(*Policy) {}),
	"ignoreduplicates": flag(func(*Policy) {}),
	"errors":           readErrors,

	"include": refused("it would read files of the agent as configuration", "the directives themselves"),

	// Words for the whole of a configuration, which people copy with the rest.
	"tabooext": readGlobal,
	"taboopat": readGlobal,
}

// vocabulary is the names alone, for those whom the readers refer to.
var vocabulary = map[string]bool{}

func init() {
	for name := range directives {
		vocabulary[name] = true
	}
}

// readGlobal reads a directive about which files of a directory are configuration.
func readGlobal(p *parser, key word) error {
	if _, _, ok := p.value(); !ok {
		return p.missing(key, "endings or patterns of file names")
	}
	p.warn(key, "without effect: it is about files of configuration, and this policy is for one log")
	return nil
}

// flag is a directive without a value.
func flag(set func(*Policy)) reader {
	return func(p *parser, _ word) error {
		set(&p.policy)
		return nil
	}
}

// refused is a directive that nobody may use.
func refused(why, expected string) reader {
	return func(p *parser, key word) error {
		_, _ = p.rest()
		return p.errorAt(key.mark, key.text, "not supported: "+why, expected)
	}
}

func readShred(p *parser, key word) error {
	p.warn(key, "rotated files are unlinked, not overwritten first: on file systems that copy on write shredding destroys nothing")
	return nil
}

// readErrors: the directive is deprecated, its argument is read as a directive.
func readErrors(p *parser, key word) error {
	p.warn(key, "deprecated and without effect")
	return nil
}

func readMail(p *parser, key word) error {
	address, at, ok := p.value()
	if !ok {
		return p.missing(key, "an address")
	}
	for i := range len(address) {
		if address[i] <= ' ' || address[i] >= 0x7f {
			return p.errorAt(at, address, "bad address", "one word of printable characters")
		}
	}
	p.mailAt = &key
	return nil
}

// missing says that a directive wants a value.
func (p *parser) missing(key word, expected string) error {
	return p.errorAt(key.mark, key.text, "the value is missing", expected)
}

// checkWhole notes what is wrong and still in force at the end of the text.
func (p *parser) checkWhole() {
	if p.copyAt != nil {
		p.fail(p.errorAt(p.copyAt.mark, p.copyAt.text, "not supported: the live file would never shrink",
			"copytruncate, or no directive: both leave the same files and keep their limit"))
	}
	if p.mailAt != nil {
		p.fail(p.errorAt(p.mailAt.mark, p.mailAt.text, "not supported: the logger sends no mail", "the text without it"))
	}
	for _, check := range []func() error{p.checkOldDir, p.checkOwners, p.checkCompressor, p.checkNames} {
		if err := check(); err != nil {
			p.fail(err)
		}
	}
	p.dropRefused()
	p.dropUnused()
	if p.policy.DelayCompress && !p.policy.Compress {
		p.warnings = append(p.warnings, Warning{
			Line: p.policy.SourceOf("delaycompress"), Word: "delaycompress",
			Text: fmt.Sprintf("without effect unless %q is given too", "compress"),
		})
	}
}

// dropRefused takes out of the policy what was found wrong at the end of the text.
func (p *parser) dropRefused() {
	for _, one := range p.errors {
		for at, drop := range map[*word]func(){
			p.oldDirAt:     func() { p.policy.OldDir = "" },
			p.compressorAt: func() { p.policy.Compressor = defaults().Compressor },
			p.optionsAt:    func() { p.policy.Compressor = defaults().Compressor },
			p.nameAt: func() {
				p.policy.Extension, p.policy.AddExtension, p.policy.DateFormat = "", "", ""
				p.policy.Compressor = defaults().Compressor
			},
		} {
			if at != nil && one.Line == at.line && one.Column >= at.column {
				drop()
			}
		}
	}
}

// dropUnused resets what is not in force, so that equal policies compare equal.
func (p *parser) dropUnused() {
	if !p.policy.Create.On {
		p.policy.Create = Creation{}
	}
	if !p.policy.CreateOldDir.On {
		p.policy.CreateOldDir = Creation{}
	}
	if !p.policy.Compress {
		p.policy.Compressor = defaults().Compressor
	}
}

// Vocabulary lists all directives that are known, sorted; those that are refused in
// any case are among them.
func Vocabulary() []string { return slices.Sorted(maps.Keys(directives)) }
