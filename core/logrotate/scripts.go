package logrotate

import "errors"

// readScript reads from the keyword to a line whose first word is endscript. What
// stands on the keyword's own line belongs to the script; the last one holds. A script
// that is refused is read to its end too, so that what follows is read as directives.
func readScript(dest func(*Scripts) *string) reader {
	return func(p *parser, key word) error {
		text, err := p.script(key)
		refusal := p.permitCommand(key, "a script", "the text without scripts")
		switch {
		case refusal != nil && !(p.rules.leavesOut() && err == nil):
			return errors.Join(refusal, err)
		case refusal != nil:
			p.warn(key, "left out: "+scriptsOfTasks)
		case err != nil:
			return err
		default:
			*dest(&p.policy.Scripts) = text
		}
		return nil
	}
}

// script takes the text of a script; the cursor is then behind endscript.
func (p *parser) script(key word) (string, error) {
	start := p.pos
	for first := true; !p.done(); first = false {
		lineStart := p.pos
		if first {
			p.step() // the byte behind the keyword, which may be the newline
		}
		p.skipBlanksUnlessDone()
		at := p.mark()
		if !p.done() && p.word() == "endscript" {
			if first && at.line == key.line {
				return "", p.errorAt(at, "endscript", "on the line of the script's keyword", "endscript on a line of its own")
			}
			if first {
				lineStart++
			}
			return p.untrusted[start:lineStart], nil
		}
		if !p.done() {
			p.stepLine()
			p.step()
		}
	}
	return "", p.errorAt(key.mark, key.text, "the script does not end", "a line with endscript behind it")
}

func (p *parser) skipBlanksUnlessDone() {
	if !p.done() {
		p.skipBlanks()
	}
}

// scriptsOfTasks is why a task's command is not run.
const scriptsOfTasks = "it runs commands on the agent, which a task may not unless the operator sets allow_task_scripts"

// permitCommand refuses commands to an author who may not run any.
func (p *parser) permitCommand(at word, what, expected string) error {
	if p.rules.AllowScripts {
		return nil
	}
	reason := what + " runs commands on the agent, which the module parameter allow_scripts does not permit"
	if p.rules.Trust == Task {
		reason = what + " runs commands on the agent, which a task may not unless the operator sets allow_task_scripts"
	}
	return p.errorAt(at.mark, at.text, reason, expected)
}
