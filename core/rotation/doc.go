// Package rotation keeps the rotated files of one live file: it moves the live file
// into the series, shifts and disposes of the old ones, compresses them in the
// background, and finishes what a killed process left half done.
//
// A rotation is planned first, by a pure function of what the directory holds, the
// policy and the clock, as a list of named steps; then the steps are applied. Each
// step is one change of one name. After any of them the process may be killed:
// Recover finds out from the directory alone what is owed.
//
// Invariants:
//   - Every byte of the live file is in exactly one file of the series until the
//     retention takes it, whatever fails and whenever the process dies.
//   - The number of files in the series never passes the policy, and no rotation needs
//     free space: the oldest goes first (with scripts that see the files, last, as
//     in logrotate).
//   - A failing script, compressor or name collision never keeps the live file from
//     being rotated.
//   - A slot is taken by its plain or its compressed file alike; which of the two it
//     is may change in the background at any time, but only under the Set's lock.
//
// All file access goes through package sandbox, with the rights of the thread that
// calls. The package refuses to follow a link, to touch a directory in a file's
// place other than by renaming it, and to run a command itself: that is package
// script's, handed in by the caller.
package rotation
