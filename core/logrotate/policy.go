package logrotate

import (
	"io/fs"
	"time"
)

// Day is the unit of maxage.
const Day = 24 * time.Hour

// Period is a time after which a file is rotated whatever its size.
type Period int

// The periods; the last one named in a text holds.
const (
	Never Period = iota
	Hourly
	Daily
	Weekly
	Monthly
	Yearly
)

// Creation is what `create` or `createolddir` says of a new file or directory.
type Creation struct {
	// On says that the directive is in force.
	On bool
	// Mode holds permission bits only, and counts only if ModeSet.
	Mode    fs.FileMode
	ModeSet bool
	// Owner and Group are names or numbers as written, empty where not given.
	Owner, Group string
}

// Compressor says how rotated files are compressed.
type Compressor struct {
	// Program is as written in `compresscmd`, or the method that writes what it writes:
	// gzip, zstd, xz and bzip2 are built in and named so, anything else is External.
	Program  string
	External bool
	// Withheld says that Program may not be run any more: files stay plain, and those
	// that it has compressed are part of the series.
	Withheld bool
	// Level is what `compressoptions` says to a method that is built in; 0 is its default.
	Level int
	// Options is `compressoptions` as written; Words are handed to an external program.
	Options string
	// Ext is appended to the name of a compressed file.
	Ext string
}

// Scripts holds the texts of the five scripts, empty where there is none.
type Scripts struct {
	FirstAction, PreRotate, PostRotate, LastAction, PreRemove string
	// Shared makes prerotate and postrotate get the pattern as their only argument.
	Shared bool
}

// Any says that at least one script is set.
func (s Scripts) Any() bool {
	return s.FirstAction != "" || s.PreRotate != "" || s.PostRotate != "" || s.LastAction != "" || s.PreRemove != ""
}

// RunsCommands says that rotations or compressions under the policy run programs.
func (p Policy) RunsCommands() bool { return p.Scripts.Any() || p.Compressor.External }

// Policy is what a text says. It is pure data; the zero value is not meaningful,
// Parse("", rules) gives the policy of an empty text.
type Policy struct {
	// Rotate is the number of rotated files kept; 0 keeps none, -1 all. RotateSet
	// says that the text has it: an absent one is 0 here, as in the language.
	Rotate    int
	RotateSet bool
	// Start is the number of the youngest rotated file.
	Start int

	Compress, DelayCompress bool
	Compressor              Compressor

	// DateExt names rotated files by date, in DateFormat ("" is -%Y%m%d), of the
	// day before if DateYesterday, of the hour before if DateHourAgo.
	DateExt                    bool
	DateFormat                 string
	DateYesterday, DateHourAgo bool

	Extension, AddExtension string

	// OldDir is a clean path beneath the sandbox, empty for the sandbox itself.
	OldDir       string
	CreateOldDir Creation
	Create       Creation

	// MaxAge is the age at which rotated files go, 0 for never.
	MaxAge time.Duration
	// MaxSizeBytes rotates a larger live file whatever the limit says; 0 is off.
	MaxSizeBytes int64
	NotIfEmpty   bool

	// CopyTruncate and RenameCopy are never both set.
	CopyTruncate, RenameCopy bool
	AllowHardLink            bool

	// Every is the additional trigger by time; Weekday (0 is Sunday, 7 any) is Weekly's.
	Every   Period
	Weekday int

	Scripts Scripts

	lines [renderedCount]int32 // where each directive of rendered was set last
}

// defaults is the policy of an empty text.
func defaults() Policy {
	return Policy{Start: 1, Compressor: Compressor{Program: "gzip", Ext: ".gz"}}
}

// LimitBytes is the size that the live file must not pass: the smaller of the
// stream's own limit and maxsize.
func (p Policy) LimitBytes(streamLimitBytes int64) int64 {
	if p.MaxSizeBytes > 0 && p.MaxSizeBytes < streamLimitBytes {
		return p.MaxSizeBytes
	}
	return streamLimitBytes
}

// Compresses says that files are compressed from now on.
func (p Policy) Compresses() bool { return p.Compress && !p.Compressor.Withheld }

// CompressExt is the ending of compressed files, empty where none are made.
func (p Policy) CompressExt() string {
	if !p.Compress {
		return ""
	}
	return p.Compressor.Ext
}
