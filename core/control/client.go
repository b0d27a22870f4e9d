package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// ErrRefused says that the owner did not answer the question; the error's text says why.
var ErrRefused = errors.New("the owner refuses")

// Status asks for all streams. It takes and closes the connection.
func Status(conn net.Conn) (Head, []Stream, error) {
	return ask[Stream](conn, question{Version: Version, Ask: askStatus})
}

// Rotate asks to rotate streams, at most MaxTargets. It takes and closes the connection.
func Rotate(conn net.Conn, ids []string) (Head, []Rotated, error) {
	return ask[Rotated](conn, question{Version: Version, Ask: askRotate, Streams: ids})
}

func ask[Line any](conn net.Conn, q question) (head Head, lines []Line, err error) {
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(questionTime + Patience + answerTime)); err != nil {
		return head, nil, fmt.Errorf("ask the owner: %w", err)
	}
	text, err := json.Marshal(q)
	if err == nil {
		_, err = conn.Write(append(text, '\n'))
	}
	if err != nil {
		return head, nil, fmt.Errorf("ask the owner: %w", err)
	}
	in := bufio.NewReaderSize(conn, maxLineBytes)
	if err := readLine(in, &head); err != nil {
		return head, nil, err
	}
	switch {
	case head.Error != "":
		return head, nil, fmt.Errorf("%w: %s", ErrRefused, head.Error)
	case head.Version < 1 || head.Version > Version:
		return head, nil, fmt.Errorf("the owner, sluice %s, answers in version %d; this command knows up to %d", head.Sluice, head.Version, Version)
	case head.Lines < 0 || head.Lines > maxStreams:
		return head, nil, fmt.Errorf("the owner announces %d lines; expected at most %d", head.Lines, maxStreams)
	}
	for range head.Lines {
		var line Line
		if err := readLine(in, &line); err != nil {
			return head, lines, err
		}
		lines = append(lines, line)
	}
	return head, lines, nil
}

func readLine(in *bufio.Reader, into any) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("read the owner's answer: %w", err)
	}
	if err := json.Unmarshal(line, into); err != nil {
		return fmt.Errorf("read the owner's answer: %w", err)
	}
	return nil
}
