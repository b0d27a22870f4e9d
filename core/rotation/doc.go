// Package rotation keeps the rotated files of one live file: it moves the live file
// into the series, shifts and disposes of the old ones, compresses them in the
// background, and finishes what a killed process left half done.
//
// A rotation is first planned as a list of named steps, by a pure function of what the
// directory holds, the policy and the clock; then the steps are applied. Each step changes
// one name. The process may be killed after any of them: Recover finds out from the
// directory alone what is owed.
//
// Invariants:
//   - Every byte of the live file is in exactly one file of the series until the
//     retention takes it, whatever fails and whenever the process dies.
//   - The number of files in the series never exceeds the policy's, and no rotation needs
//     free space: the oldest goes first (with scripts that see the files, last, as in
//     logrotate).
//   - A failing script, compressor or name collision never keeps the live file from
//     being rotated.
//   - A slot is taken by its plain file or its compressed one alike. Which of the two it is
//     may change in the background at any time, but only under the Set's lock.
//
// All file access goes through package sandbox, with the rights of the calling thread. The
// package refuses to follow a link, to touch a directory in a file's place other than by
// renaming it, and to run a command itself: the caller hands in package script for that.
package rotation
