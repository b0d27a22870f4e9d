package logrotate

import (
	"fmt"
	"strings"
)

// Line is one directive of an effective policy.
type Line struct {
	// Directive is its keyword.
	Directive string
	// Text is the directive in logrotate's language; a script has several lines.
	Text string
	// Source is the line of the parsed text that said so last, 0 if none did.
	Source int
}

// renderedCount is the length of rendered, apart from it because Policy needs it.
const renderedCount = 33

// rendered lists the directives in the order in which they are shown.
var rendered = [renderedCount]struct {
	name string
	text func(Policy) string
}{
	{"rotate", func(p Policy) string { return fmt.Sprintf("rotate %d", p.Rotate) }},
	{"start", func(p Policy) string { return when(p.Start != 1, fmt.Sprintf("start %d", p.Start)) }},
	{"hourly", func(p Policy) string { return when(p.Every == Hourly, "hourly") }},
	{"daily", func(p Policy) string { return when(p.Every == Daily, "daily") }},
	{"weekly", func(p Policy) string { return when(p.Every == Weekly, fmt.Sprintf("weekly %d", p.Weekday)) }},
	{"monthly", func(p Policy) string { return when(p.Every == Monthly, "monthly") }},
	{"yearly", func(p Policy) string { return when(p.Every == Yearly, "yearly") }},
	{"maxsize", func(p Policy) string { return when(p.MaxSizeBytes > 0, fmt.Sprintf("maxsize %d", p.MaxSizeBytes)) }},
	{"maxage", func(p Policy) string { return when(p.MaxAge > 0, fmt.Sprintf("maxage %d", p.MaxAge/Day)) }},
	{"notifempty", func(p Policy) string { return when(p.NotIfEmpty, "notifempty") }},
	{"compress", func(p Policy) string { return when(p.Compress, "compress") }},
	{"delaycompress", func(p Policy) string { return when(p.DelayCompress, "delaycompress") }},
	{"compresscmd", func(p Policy) string {
		return when(p.Compress && p.Compressor.Program != "gzip", valued("compresscmd", p.Compressor.Program))
	}},
	{"compressoptions", func(p Policy) string {
		return when(p.Compress && p.Compressor.Options != "", "compressoptions "+p.Compressor.Options)
	}},
	{"compressext", func(p Policy) string { return when(p.Compress, valued("compressext", p.Compressor.Ext)) }},
	{"dateext", func(p Policy) string { return when(p.DateExt, "dateext") }},
	{"dateformat", func(p Policy) string { return when(p.DateFormat != "", valued("dateformat", p.DateFormat)) }},
	{"dateyesterday", func(p Policy) string { return when(p.DateYesterday, "dateyesterday") }},
	{"datehourago", func(p Policy) string { return when(p.DateHourAgo, "datehourago") }},
	{"extension", func(p Policy) string { return when(p.Extension != "", valued("extension", p.Extension)) }},
	{"addextension", func(p Policy) string { return when(p.AddExtension != "", valued("addextension", p.AddExtension)) }},
	{"olddir", func(p Policy) string { return when(p.OldDir != "", valued("olddir", shownDir(p.OldDir))) }},
	{"createolddir", func(p Policy) string { return when(p.CreateOldDir.On, "createolddir"+p.CreateOldDir.arguments()) }},
	{"create", func(p Policy) string { return when(p.Create.On, "create"+p.Create.arguments()) }},
	{"copytruncate", func(p Policy) string { return when(p.CopyTruncate, "copytruncate") }},
	{"renamecopy", func(p Policy) string { return when(p.RenameCopy, "renamecopy") }},
	{"allowhardlink", func(p Policy) string { return when(p.AllowHardLink, "allowhardlink") }},
	{"sharedscripts", func(p Policy) string { return when(p.Scripts.Shared, "sharedscripts") }},
	{"firstaction", func(p Policy) string { return script("firstaction", p.Scripts.FirstAction) }},
	{"prerotate", func(p Policy) string { return script("prerotate", p.Scripts.PreRotate) }},
	{"postrotate", func(p Policy) string { return script("postrotate", p.Scripts.PostRotate) }},
	{"preremove", func(p Policy) string { return script("preremove", p.Scripts.PreRemove) }},
	{"lastaction", func(p Policy) string { return script("lastaction", p.Scripts.LastAction) }},
}

// shownDir is a directory beneath the sandbox as a text may name it: a tilde at the
// beginning would be somebody's home.
func shownDir(dir string) string {
	if strings.HasPrefix(dir, "~") {
		return "./" + dir
	}
	return dir
}

// Lines gives the effective policy in logrotate's own language, one directive
// each. Parsed again, they give the same policy. Control characters that a script
// or a name may hold are not among them, save for tabs and newlines in scripts.
func (p Policy) Lines() []Line {
	var lines []Line
	for i, r := range rendered {
		if text := r.text(p); text != "" {
			lines = append(lines, Line{Directive: r.name, Text: text, Source: int(p.lines[i])})
		}
	}
	return lines
}

// noteSource remembers the line that a directive was set on.
func (p *Policy) noteSource(name string, line int) {
	for i, r := range rendered {
		if r.name == strings.TrimPrefix(name, "no") || r.name == name {
			p.lines[i] = int32(line)
		}
	}
}

func when(on bool, text string) string {
	if !on {
		return ""
	}
	return text
}

// valued renders a directive and its value, of which reading takes one "=" away.
func valued(name, value string) string {
	if strings.HasPrefix(value, "=") {
		return name + " = " + value
	}
	return name + " " + value
}

// script renders a text as it was written: it begins right behind the keyword and
// ends with a newline.
func script(name, text string) string {
	return when(text != "", name+text+"endscript")
}

// arguments gives " MODE OWNER GROUP" as far as they are set.
func (c Creation) arguments() string {
	var b strings.Builder
	if c.ModeSet {
		fmt.Fprintf(&b, " %04o", c.Mode)
	}
	for _, name := range []string{c.Owner, c.Group} {
		if name != "" {
			b.WriteString(" " + name)
		}
	}
	return b.String()
}

// SourceOf gives the line of the parsed text that set a directive last, 0 if none.
func (p *Policy) SourceOf(name string) int {
	for i, r := range rendered {
		if r.name == name {
			return int(p.lines[i])
		}
	}
	return 0
}
