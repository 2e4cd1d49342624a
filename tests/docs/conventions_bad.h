/* Faults that tools/conventions.sh has to find (conventions.sh). Each line ends with its fault. */
BIDE_API int bide_wait_task(bide_task *task);                         /* begins neither */
BIDE_API int bide_task_wait_for(bide_task *task, int64_t timeout);    /* is called timeout_ns */
BIDE_API int bide_task_sleep(bide_task *task, unsigned delay_ns);     /* is int64_t, not unsigned */
BIDE_API int bide_task_sleep_ms(bide_task *task, int64_t timeout_ns); /* is called timeout_ns */
BIDE_API int64_t bide_task_count(bide_task *task);                    /* returns int64_t */
BIDE_API int bide_task_try_end(bide_task *task); /* a try_ function returns bool */
BIDE_API int bide_task_rest_for(bide_task *task,
                                int64_t timeout_ns); /* fails with ETIMEDOUT at its limit? */
BIDE_API bool bide_task_try_rest_for(bide_task *task,
                                     int64_t timeout_ns); /* returns a value task */
BIDE_API int bide_task_is_over(bide_task *task);          /* a question is answered */
BIDE_API int bide_task_begin(bide_task *task);            /* needs BIDE_USE_RESULT */
BIDE_API void bide_task_get(bide_task *task);             /* a _get that stores */
BIDE_API int bide_task_now_ns(bide_task *task);           /* a time is int64_t */
BIDE_API void bide_task_set(bide_task *task, bide_task_options *options); /* pointer to const */
BIDE_API bide_pipe *bide_pipe_create(void);         /* has neither bide_pipe_unref */
BIDE_API bide_line *bide_line_ref(bide_line *line); /* has no bide_line_unref */
BIDE_API void bide_area_init(bide_area *area);      /* has no bide_area_end */
BIDE_API void bide_hole_destroy(bide_hole *hole);   /* has no bide_hole_create */
#define bide_task_rest_ms(ms) bide_task_rest((ms))  /* _ms forms are for */
/* -1: below zero. */
