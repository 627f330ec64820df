package deadlettercmd

// What the commands write as JSON, for their help.
const (
	letterJSONHelp = `A letter in JSON has: name, topic_id (of its topic: one made anew has another), state (pending, replayed, discarded),
written (when it came into the topic); reason, detail, violations (each: instance, keyword, message), ret and http_status
of the last answer, attempts, delivery (none, uncertain), appid, route, source (topic, partition, offset, timestamp), time
(when it was given up), replays, previous (the letter it was before), omitted (what the topic would not take); and the
record: key, headers (each: key, value) and value, as text, or in key_base64 and value_base64 where they are no UTF-8.
What is not known is left out. A record that is no letter has foreign, which says why, in the place of reason to omitted.`

	historyJSONHelp = `history is what has been done about it, the oldest first, each: state, time, by, run, topic_id, because (of a discarded
one), replay_topic and repaired (of a replayed one), and twin, the name of the letter if it was done about its twin: the
same letter, written twice in a crash.`

	statsJSONHelp = `-o json has: letters, players (count; approximate if it is an estimate), no_time (letters without a time, or with one that
nobody can mean), first and last (when the others were given up); wave, the verdict (since, until, running if it has not
ended, steady if nothing stands out, letters, cause_letters of them with the cause: reason, appid, ret, http_status,
violation); states, reasons, apps ("" if unknown), rets and deliveries (each: name, letters); violations (each: instance,
keyword, message, letters), other_violations; and timeline (each: time, letters), by steps of step_seconds.`

	workJSONHelp = `-o json has: run and by, as they are kept; dry_run; to (the topics of a replay), and dropped_headers (each: name, letters
that have it); planned, and of these letters unchanged (by the repair), rounded (a number has other digits that are the
same to a float64), done, repaired (of those done), skipped (another run was faster) and unknown (the answer was lost);
raw, if the repair was; left (as they are) and before (resolved before), each: kind, letters, examples (each: name,
detail); seconds; and error, which ended it.`
)

// filterHelp explains the filters of commands that read letters.
const filterHelp = selectHelp + `

Exit codes: 0 done, 2 could not do what was asked, 3 no letter matches.`

// watchFilterHelp explains them where letters are waited for.
const watchFilterHelp = selectHelp + `

Exit codes: 0 ended by Ctrl-C, 2 could not do what was asked.`

const selectHelp = `All filters given must match; of several values of one, any. Such values are separated by commas, or the flag is
repeated. A letter that came into its topic without a time, or with one of before 1990, is in no --since and no --until.
--reason foreign selects records that are no letters of ours; --app, --ret, --topic, --partition, --offset, --violation
and --delivery match none of these. --where takes a jq expression over {"value", "text", "headers", "letter"}: the
record's value, null if it is not JSON as the pipeline takes it, which other programs may read differently; the same as
text; the record's headers; and the letter as "list -o jsonl" has it.`
