/*
 * flow.h - one async function, walked in the order in which it runs.
 *
 * A state says for each local what may be true of it at one place. Ways that meet join their
 * states. What only grows comes to an end: the whole body is walked until no loop and no label
 * hears anything new.
 */
#ifndef CHECK_FLOW_H
#define CHECK_FLOW_H

#include "places.h"

enum {
	SLOT_SET = 1,    /* has a value */
	SLOT_LOST = 2,   /* had one when the function suspended */
	SLOT_CHANGED = 4 /* set before async_begin, and assigned behind it */
};

struct slot {
	unsigned flags;
	unsigned await_line; /* where it was lost */
	uint64_t parts;      /* of what was lost: members and elements set again */
};

struct state {
	bool reachable;
	uint64_t open;    /* starts that hold pointers into the frame and were not awaited yet */
	uint64_t escaped; /* addresses of locals that something holds */
	struct slot slot[];
};

struct variable {
	CXCursor cursor;
	struct node *declaration;
	struct node *scope;
	const char *name;
	int part_count; /* members or elements; 0: it has none; above 64: too many to tell apart */
	bool is_vla;
	bool cleans_up;   /* has the attribute cleanup */
	bool cleaned_up;  /* and an await in its scope */
	bool jumped_over; /* a place to resume stands behind its initialiser, in its scope */
	bool first;       /* declared before async_begin */
	bool set_first;   /* and has a value there */
	bool initialised; /* by its declaration */
	bool walked;
	bool reported;
	const char *fillers[8]; /* functions that gave it its value through its address */
	int filler_count;
	unsigned told[8]; /* lines at which it was reported */
};

struct label {
	const char *name;
	struct state *heard;
};

/* A started function that got a pointer into the frame. */
struct start {
	struct node *call;
	bool forgotten, awaited, ended;
	int holder;     /* the local that got its value task; -1: none */
	CXCursor field; /* or the member */
};

/* The address of a local that is where it may outlive the stack. */
struct escape {
	struct node *at; /* the call or the assignment that took it */
	int variable;    /* -1: a compound literal */
	CXCursor field;  /* what holds it, if that is a member of something */
	bool told;
};

enum { STARTS_MAX = 64, ESCAPES_MAX = 64, LABELS_MAX = 512 };

struct target { /* of break and continue */
	struct target *outer;
	bool is_switch, is_body; /* is_body: the switch of async_begin */
	struct state *at_break, *at_continue, *at_case;
};

struct flow {
	struct node *function;
	const char *name; /* of the struct */
	struct variable *variables;
	int variable_count;
	struct state *now;
	struct state *suspended; /* behind `return`, if a place to resume follows */
	struct target *target;
	struct label labels[LABELS_MAX];
	int label_count;
	struct start starts[STARTS_MAX];
	int start_count;
	struct escape escapes[ESCAPES_MAX];
	int escape_count;
	bool begun;            /* behind async_begin */
	bool in_cleanup;       /* behind async_finally */
	bool jumps;            /* a place to resume is a case of a switch */
	bool returning;        /* inside an async_return */
	struct node *producer; /* the call that the last await waits for, if it is one alone */
	int pass;              /* how often the body has been walked */
	bool changed;          /* something was heard for the first time */
};

/* state.c */
struct state *state_new(const struct flow *flow);
struct state *state_copy(const struct flow *flow, const struct state *state);
/* Joins `from` into `into`; true: that is news. */
bool state_join(const struct flow *flow, struct state *into, const struct state *from);
void flow_declare(struct flow *flow, int variable, bool with_value);
void flow_read(struct flow *flow, const struct place *place, struct node *at);
void flow_write(struct flow *flow, const struct place *place);
/* A function gets the address: it reads through it, or fills it. */
void flow_pass(struct flow *flow, const struct place *place, struct node *at, struct node *call,
               int argument);
void flow_escape(struct flow *flow, int variable, struct node *at, CXCursor field);
void flow_overwrite_field(struct flow *flow, CXCursor field);
void flow_await(struct flow *flow, struct node *at);
/* Nothing holds its address any more. */
void flow_end_variable(struct flow *flow, int variable);
/* Nothing holds the addresses any more that `call`, or a call in it, took. */
void flow_give_back(struct flow *flow, struct node *call);
void report_return_escape(struct flow *flow, int variable, struct node *call);
/* Locals that are initialised where a place to resume is jumped to over them. */
void report_jumped_over(struct flow *flow);

/* expression.c */
enum use { USE_NOTHING, USE_VALUE, USE_ADDRESS };
void walk_expression(struct flow *flow, struct node *node, enum use use);

/* statement.c */
void walk_statement(struct flow *flow, struct node *node);
/* The label of bide_async_finally. */
bool is_finally(const char *label);
bool is_async_return(const struct node *statement);
void flow_end(struct flow *flow);

/* rules.c */
bool is_packing(const struct node *call);
void check_returned(struct flow *flow, struct node *statement);
void check_dropped(struct node *function);
void check_start(struct flow *flow, struct node *call);
void note_holder(struct flow *flow, struct node *to, struct node *value);
void check_wait(struct flow *flow, struct node *call);
void check_awaited_in_switch(struct flow *flow, struct node *at);
void check_jumped_over(struct flow *flow, struct node *label, bool resumes);
void check_starts_at_end(struct flow *flow);

/* delivered.c */
void note_result(struct flow *flow, struct node *statement);
void note_function(struct node *function);
void results_forget(void);
void check_delivered(struct flow *flow, struct node *assignment);
void check_large(struct flow *flow, struct node *call);

/* body.c */
bool is_async_body(CXCursor function);
void check_body(struct node *function);
/* The value that a declaration gives, or NULL. */
struct node *initialiser_of(const struct node *declaration);

/* pointers.c */
void follow_pointers(struct flow *flow);

#endif
